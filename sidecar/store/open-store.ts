import type { ArtifactStore } from '../../src/artifact/store.ts'
import type { UploaderSettings } from '../settings.ts'

/** The store of the settings. Only the one that is used is loaded: the other would cost memory in every pod. */
export async function openStore(settings: UploaderSettings['store']): Promise<ArtifactStore> {
  if (settings.kind === 'folder') {
    const { createFolderStore } = await import('../../src/artifact/folder.ts')
    return createFolderStore(settings.directory)
  }
  const { createS3Store } = await import('../../src/artifact/s3.ts')
  const { credentialsFromDirectory } = await import('../../src/artifact/s3-credentials.ts')
  const { endpoint, bucket, region, prefix, credentialsDirectory } = settings
  return createS3Store({
    endpoint,
    bucket,
    region,
    prefix,
    credentials: credentialsFromDirectory(credentialsDirectory),
  })
}
