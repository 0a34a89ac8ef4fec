import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Agent } from 'undici'
import { derived, type Issuer, type ReadersSettings } from './s3-readers.ts'
import { refusal, signedCall } from './s3-signed-call.ts'

/** MinIO's bounds. */
const least = 900 + 60
const most = 365 * 86_400

/**
 * MinIO's service accounts: keys of their own with a policy and an end, without a session token. Key and secret follow
 * from the id, so that who asks again, since an answer got lost, doesn't get what he was given before taken away.
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
    if (answer.status >= 300 && answer.status !== 404) throw refusal('removing a key for one object', answer)
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
        // It ends when it was to end at first: whoever is told of it hours later would get one that is nearly over.
        await revoke(id)
        answer = await add()
      }
      if (answer.status !== 200) throw refusal('a key for one object', answer)
      return { accessKeyId, secretAccessKey, expiresAt }
    },

    revoke,
  }
}

/**
 * A body as MinIO's admin API wants it: salt, the mark of PBKDF2 with AES-256-GCM, nonce, and one last segment of a sio
 * stream, whose associated data is 0x80 and the tag of nothing under the nonce's number 0.
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
