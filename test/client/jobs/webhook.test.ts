import { describe, expect, it } from 'vitest'
import { verifyWebhook } from '../../../src/client/index.ts'
import { signedHeaders } from '../../../src/notifications/callbacks/signature.ts'

const key = Buffer.alloc(32, 'k')
const secrets = `whsec_${key.toString('base64')}`
const body = JSON.stringify({ type: 'job.succeeded', timestamp: '', data: { job_uuid: 'ü' } })
const headers = signedHeaders('msg_1', Date.now(), body, [Buffer.alloc(32, 'o'), key])

describe('a callback', () => {
  it('gives its event if one of its signatures is of one of the secrets', async () => {
    const old = `whsec_${Buffer.alloc(24, 'x').toString('base64')}`
    const event = await verifyWebhook({ headers, body, secrets: [old, secrets] })
    expect(event).toMatchObject({ type: 'job.succeeded', data: { job_uuid: 'ü' } })
    expect(await verifyWebhook({ headers: new Headers(headers), body: Buffer.from(body), secrets })).toEqual(
      event,
    )
  })

  it.each([
    ['its body was altered', { body: body.replace('succeeded', 'failed') }],
    ['its id was altered', { headers: { ...headers, 'webhook-id': 'msg_2' } }],
    ['it is six minutes old', { now: Date.now() + 360_000 }],
    ['it has no signature', { headers: {} }],
    ['its signature is no base64', { headers: { ...headers, 'webhook-signature': 'v1,?' } }],
  ])('gives nothing if %s', async (_, more) => {
    expect(await verifyWebhook({ headers, body, secrets, ...more })).toBeUndefined()
  })

  it.each(['', 'whsec_', 'whsec_c2hvcnQ='])('is not compared with the secret %j', async (secret) => {
    await expect(verifyWebhook({ headers, body, secrets: secret })).rejects.toThrow('a secret is missing')
  })
})
