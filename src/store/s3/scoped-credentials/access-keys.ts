import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Agent } from 'undici'
import { derived, type Issuer, type ReadersSettings } from './issuer.ts'
import { callRefusal, signedCall } from './signed-call.ts'

/** MinIO's bounds for a key's lifetime in seconds, with a minute's margin at the lower one. */
const least = 900 + 60
const most = 365 * 86_400

/**
 * Keys of MinIO's service accounts, with a policy and an expiry, without a session token. Key and
 * secret are derived from the id: a request repeated after a lost answer gets the same ones, which
 * stay valid.
 */
export function minioAccessKeys(settings: ReadersSettings, agent: Agent): Issuer {
  const { endpoint, region, accessKey, secretKey } = settings
  const call = { endpoint, service: 's3' as const, region, accessKey, secretKey }
  const keyOf = (id: string) =>
    `JF${derived(secretKey, `key ${id}`).toString('hex').slice(0, 18).toUpperCase()}`
  async function revoke(id: string): Promise<void> {
    const answer = await signedCall(agent, {
      ...{ ...call, method: 'DELETE', path: '/minio/admin/v3/delete-service-account' },
      query: { accessKey: keyOf(id) },
      body: '',
    })
    if (answer.status >= 300 && answer.status !== 404) throw callRefusal('removing an access key', answer)
  }

  return {
    async issue(id, policy, seconds) {
      const expiresAt = new Date(Date.now() + Math.min(most, Math.max(least, seconds)) * 1000)
      const accessKeyId = keyOf(id)
      const secretAccessKey = derived(secretKey, `secret ${id}`).toString('hex').slice(0, 40)
      const account = {
        policy: JSON.parse(policy) as unknown,
        accessKey: accessKeyId,
        secretKey: secretAccessKey,
      }
      const request = {
        ...account,
        name: 'jobferry',
        description: 'one result',
        expiration: expiresAt.toISOString(),
      }
      const add = async () =>
        await signedCall(agent, {
          ...call,
          method: 'PUT',
          path: '/minio/admin/v3/add-service-account',
          body: await sealed(secretKey, Buffer.from(JSON.stringify(request))),
        })
      let answer = await add()
      if (answer.status === 400 && answer.text.includes('already taken')) {
        // The existing key keeps its first expiry, which may be near: create it again with the new
        // one.
        await revoke(id)
        answer = await add()
      }
      if (answer.status !== 200) throw callRefusal('making an access key', answer)
      return { accessKeyId, secretAccessKey, expiresAt }
    },

    revoke,
  }
}

/**
 * A body in the encrypted form of MinIO's admin API: salt, the id of PBKDF2 with AES-256-GCM,
 * nonce, and the final segment of a sio stream. The segment's associated data is 0x80 and the tag
 * of an empty text under nonce number 0.
 */
async function sealed(secret: string, plain: Buffer): Promise<Buffer> {
  const salt = randomBytes(32)
  const nonce = randomBytes(8)
  const key = await promisify(pbkdf2)(secret, salt, 8192, 32, 'sha256')
  const cipherAt = (number: number) => {
    const counter = Buffer.alloc(4)
    counter.writeUInt32LE(number)
    return createCipheriv('aes-256-gcm', key, Buffer.concat([nonce, counter]))
  }
  const first = cipherAt(0)
  first.final()
  const cipher = cipherAt(1).setAAD(Buffer.concat([Buffer.of(0x80), first.getAuthTag()]))
  const text = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([salt, Buffer.of(0x02), nonce, text, cipher.getAuthTag()])
}
