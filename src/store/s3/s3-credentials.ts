import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../util/error-code.ts'
import { StoreError } from '../store.ts'

export interface S3Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** Resolves with the current credentials; called before every request. */
export type S3CredentialsProvider = () => Promise<S3Credentials>

export function staticCredentials(accessKeyId: string, secretAccessKey: string): S3CredentialsProvider {
  const credentials = { accessKeyId, secretAccessKey }
  return () => Promise.resolve(credentials)
}

/**
 * Credentials from the files `access-key`, `secret-key` and, if it exists, `session-token`. They
 * are read again after a change, which is looked for at most once a second. Rejects with StoreError
 * `denied` if a key's file is missing or empty.
 */
export function credentialsFromDirectory(directory: string): S3CredentialsProvider {
  let known: { version: string; credentials: S3Credentials } | undefined
  let checkedAt = Number.NEGATIVE_INFINITY

  return async () => {
    const now = performance.now()
    if (known !== undefined && now - checkedAt < checkEveryMs) return known.credentials
    // Taken before the files are read, so that the next check finds a change made during the read.
    const version = await versionOf(directory)
    if (known?.version !== version) known = { version, credentials: await readCredentials(directory) }
    checkedAt = now
    return known.credentials
  }
}

const checkEveryMs = 1000
const files = ['access-key', 'secret-key', 'session-token'] as const

async function versionOf(directory: string): Promise<string> {
  const versions = await Promise.all(
    files.map(async (name) => {
      const found = await stat(join(directory, name), { bigint: true }).catch(() => undefined)
      return found === undefined ? '' : `${found.mtimeNs}/${found.ino}/${found.size}`
    }),
  )
  return versions.join(' ')
}

async function readCredentials(directory: string): Promise<S3Credentials> {
  const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all(
    files.map((name) => readTrimmed(join(directory, name))),
  )
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? 'secret-key' : 'access-key'
    throw new StoreError('denied', `the file ${join(directory, missing)} is missing or empty`)
  }
  return sessionToken ? { accessKeyId, secretAccessKey, sessionToken } : { accessKeyId, secretAccessKey }
}

async function readTrimmed(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new StoreError('denied', `${file} can't be read`, { cause: error })
  }
}
