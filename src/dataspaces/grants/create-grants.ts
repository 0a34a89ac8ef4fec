import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { ArtifactStore } from '../../store/store.ts'
import { Problem } from '../../util/errors.ts'
import { KeyedMutex } from '../../util/keyed-mutex.ts'
import type { Grant, GrantedRead, Grants, GrantToken } from './grants.ts'
import { type StoredGrants, storedGrants } from './stored-grants.ts'

/** Tokens kept for each grant; older ones become invalid. */
const maxSecrets = 20

export interface GrantsSettings {
  /** Default lifetime of a token; setting GRANT_SECONDS. */
  seconds: number
  /** Milliseconds since the epoch; for tests. */
  now?: () => number
}

export function createGrants(
  store: ArtifactStore,
  { seconds: usual, now = Date.now }: GrantsSettings,
): Grants & Pick<StoredGrants, 'sweep'> {
  const stored = storedGrants(store)
  // The store detects concurrent changes of replicas; a folder does not within one process, so a
  // mutex does.
  const locks = new KeyedMutex()

  const change = (id: string, make: (before: Grant | undefined) => Grant | undefined) =>
    locks.locked(id, async () => (await stored.change(id, make)) !== undefined)
  const setSuspended = (id: string, suspended: boolean) =>
    change(id, (grant) => grant && { ...grant, suspended })

  return {
    async create({ id = randomUUID(), job, files, seconds = usual }) {
      const token = newToken(id, now() + seconds * 1000)
      await change(id, (before) => ({
        version: 1,
        id,
        job,
        ...(files && { files: [...files] }),
        secrets: withSecret(before?.secrets ?? [], token, now()),
        suspended: false,
      }))
      return token
    },

    async renew(id, { seconds = usual, only = false } = {}) {
      const token = newToken(id, now() + seconds * 1000)
      const found = await change(
        id,
        (grant) => grant && { ...grant, secrets: withSecret(only ? [] : grant.secrets, token, now()) },
      )
      return found ? token : undefined
    },

    get: (id) => stored.read(id),
    suspend: (id) => setSuspended(id, true),
    resume: (id) => setSuspended(id, false),

    revoke: (id) => locks.locked(id, () => stored.remove(id)),

    async check(token, read) {
      const id = /^jfg_([\w-]{1,100})\.[\w-]{43}$/.exec(token)?.[1]
      const grant = id === undefined ? undefined : await stored.read(id)
      checkSecret(grant, token, now())
      checkScope(grant, read)
      return grant.id
    },

    sweep: (at) => stored.sweep(at),
  }
}

function newToken(id: string, expires: number): GrantToken {
  return { id, token: `jfg_${id}.${randomBytes(32).toString('base64url')}`, expiresAt: new Date(expires) }
}

function withSecret(secrets: Grant['secrets'], { token, expiresAt }: GrantToken, now: number) {
  // A token that expired lately is kept, so that its reader is told that it expired.
  const secret = { sha256: sha256(token).toString('hex'), expires_at: expiresAt.toISOString() }
  // The token is there already if the answer to its write was lost.
  const kept = secrets.filter(
    ({ sha256: known, expires_at }) => known !== secret.sha256 && Date.parse(expires_at) > now - 3_600_000,
  )
  return [...kept.slice(1 - maxSecrets), secret]
}

function checkSecret(grant: Grant | undefined, token: string, now: number): asserts grant is Grant {
  const digest = sha256(token)
  let expires: string | undefined
  for (const { sha256: known, expires_at } of grant?.secrets ?? []) {
    if (timingSafeEqual(Buffer.from(known, 'hex'), digest)) expires = expires_at
  }
  if (expires === undefined) {
    throw new Problem('unauthorized', 'This token is unknown or was revoked')
  }
  if (Date.parse(expires) <= now) throw new Problem('unauthorized', `This token expired at ${expires}`)
}

function checkScope(grant: Grant, { job, what, files }: GrantedRead): void {
  if (grant.suspended) {
    throw new Problem(
      'forbidden',
      'This token is suspended with its data flow; it is valid again once the flow is resumed',
    )
  }
  if (grant.job !== job) throw new Problem('forbidden', 'This token is for the results of another job')
  const allowed = grant.files
  if (allowed === undefined) return
  const isAllowed = (path: Uint8Array) => allowed.some((file) => Buffer.from(file).equals(path))
  if (what === 'list' || files.length === 0 || !files.every(isAllowed)) {
    throw new Problem(
      'forbidden',
      `This token is for ${allowed.map((file) => `file=${file}`).join(', ')} alone`,
    )
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
