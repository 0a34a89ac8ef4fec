import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ArtifactStore } from './artifact/store.ts'
import type { Config } from './config.ts'
import type { JobBackend } from './job/backend.ts'
import type { RemovalRules } from './job/removal.ts'
import type { Log } from './log.ts'

/** The store that the settings chose. Only the chosen adapter's libraries are loaded: the others cost start time. */
export async function createStore({ store }: Config): Promise<ArtifactStore> {
  if (store.kind === 'folder') {
    const { createFolderStore } = await import('./artifact/folder.ts')
    return createFolderStore(store.directory)
  }
  const { createS3Store } = await import('./artifact/s3.ts')
  const { staticCredentials } = await import('./artifact/s3-credentials.ts')
  return createS3Store({
    endpoint: store.endpoint,
    ...(store.publicEndpoint !== undefined && { publicEndpoint: store.publicEndpoint }),
    bucket: store.bucket,
    region: store.region,
    prefix: store.prefix,
    credentials: staticCredentials(store.accessKey, store.secretKey),
  })
}

/** The backend that the settings chose. */
export async function createBackend(config: Config, log: Log, rules: RemovalRules): Promise<JobBackend> {
  const { backend, store } = config
  if (backend.kind === 'local') {
    const { createLocalBackend } = await import('./local/backend.ts')
    const directory = join(config.dataDirectory, 'local')
    return createLocalBackend({ directory, store, packing: config.packing }, log)
  }
  if (backend.sharesCredentials) {
    log.warn(
      "pods get the API's own key for the store; set S3_UPLOADER_ACCESS_KEY and S3_UPLOADER_SECRET_KEY to one that is limited to jobs/*",
    )
  }
  if (store.kind !== 's3') throw new Error('unreachable: settings demand S3_ENDPOINT on Kubernetes')
  const { createKubernetesBackend } = await import('./kubernetes/backend.ts')
  return createKubernetesBackend(
    {
      ...(backend.kubeconfig && { kubeconfig: backend.kubeconfig }),
      namespace: config.namespace,
      uploaderImage: backend.uploaderImage,
      uploaderPort: backend.uploaderPort,
      podSecurity: backend.podSecurity,
      lostNodeSeconds: backend.lostNodeSeconds,
      // A container that is started again needn't wait for the Lease of the one before: that is gone.
      ...(backend.podUid && { identity: `${hostname()}-${backend.podUid}` }),
      store: {
        endpointForPods: backend.endpointForPods,
        bucket: store.bucket,
        region: store.region,
        prefix: store.prefix,
      },
      uploaderCredentials: backend.uploaderCredentials,
      packing: config.packing,
    },
    log,
    rules,
  )
}
