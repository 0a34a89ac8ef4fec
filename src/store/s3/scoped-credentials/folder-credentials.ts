import { Agent } from 'undici'
import type { FolderCredentials } from '../../store-factory.ts'
import { trusting } from '../s3-trust.ts'
import { minioAccessKeys } from './access-keys.ts'
import type { ReadersSettings } from './issuer.ts'

/** MinIO's longest: no job outlives its key. It is removed at the job's end. */
const lifetimeSeconds = 365 * 86_400
/** Nothing is stored there. */
const nowhere = 'nowhere/'

/**
 * A MinIO access key for each folder, limited to it. Key and secret are derived from the folder: a
 * repeated request gets the same ones.
 */
export function createFolderCredentials(settings: ReadersSettings): FolderCredentials {
  const connect = trusting(settings.ca)
  const agent = new Agent({ allowH2: false, headersTimeout: 15_000, bodyTimeout: 15_000, connect })
  const keys = minioAccessKeys(settings, agent)
  const idOf = (folder: string) => `folder ${folder}`
  const issue = async (folder: string, readable: readonly string[] = []) => {
    const policy = folderPolicy(settings, folder, readable)
    const { accessKeyId, secretAccessKey } = await keys.issue(idOf(folder), policy, lifetimeSeconds)
    return { 'access-key': accessKeyId, 'secret-key': secretAccessKey }
  }
  return {
    issue,
    revoke: (folder) => keys.revoke(idOf(folder)),
    async check() {
      await issue(nowhere)
      await keys.revoke(idOf(nowhere))
    },
    close: () => agent.close(),
  }
}

/** All that an uploader does: it reads, writes and sends in parts; what is `readable` it reads. */
export function folderPolicy(
  { bucket, prefix }: Pick<ReadersSettings, 'bucket' | 'prefix'>,
  folder: string,
  readable: readonly string[],
): string {
  const root = prefix.replace(/^\/+|\/+$/g, '').replace(/.$/u, '$&/')
  // `*` and `$` of a prefix would be special: `?` is any one character.
  const below = (key: string) => `arn:aws:s3:::${bucket}/${(root + key).replaceAll(/[*$]/g, '?')}*`
  const allow = (Action: string[], keys: readonly string[]) => ({
    Effect: 'Allow',
    Action,
    Resource: keys.map(below),
  })
  const own = allow(['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], [folder])
  const others = readable.length === 0 ? [] : [allow(['s3:GetObject'], readable)]
  return JSON.stringify({ Version: '2012-10-17', Statement: [own, ...others] })
}
