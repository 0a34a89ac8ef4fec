import { expect, onTestFinished, test, vi } from 'vitest'
import { type CallbackEvent, createReceiver, verifiedEvent } from '../../../docs/callback-receiver.ts'
import { signedHeaders } from '../../../src/notifications/callbacks/signature.ts'
import { listenForTest } from '../../support/listen.ts'

const key = Buffer.alloc(32, 'k')
const body = JSON.stringify({ type: 'job.succeeded', timestamp: '', data: { job_uuid: 'x' } })

test('the documented receiver handles each event once, and answers 500 for a retry if that fails', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  onTestFinished(() => void vi.restoreAllMocks())
  const handled: string[] = []
  const url = await start(async ({ type }, id) => {
    handled.push(`${id} ${type}`)
    if (handled.length === 1) throw new Error('no disk')
  })
  const post = async (id: string, secret = key) => {
    const headers = signedHeaders(id, Date.now(), body, [secret])
    return (await fetch(url, { method: 'POST', headers, body })).status
  }
  expect(await post('msg_1')).toBe(500)
  expect(await post('msg_1')).toBe(204)
  expect(await post('msg_1')).toBe(204)
  expect(await post('msg_2', Buffer.alloc(32))).toBe(401)
  expect(handled).toEqual(['msg_1 job.succeeded', 'msg_1 job.succeeded'])
})

test('the documented receiver answers 413 to a body above 1 MiB', async () => {
  const url = await start(async () => undefined)
  const answer = await fetch(url, { method: 'POST', body: Buffer.alloc(2 ** 20 + 1) })
  expect(answer.status).toBe(413)
})

test.each(['', 'whsec_'])('the documented receiver throws for the empty secret %j', (secret) => {
  const headers = signedHeaders('msg_1', Date.now(), body, [Buffer.alloc(0)])
  expect(() => verifiedEvent(headers, Buffer.from(body), [secret])).toThrow('secret')
})

async function start(handle: (event: CallbackEvent, id: string) => Promise<void>): Promise<string> {
  return await listenForTest(createReceiver([`whsec_${key.toString('base64')}`], handle))
}
