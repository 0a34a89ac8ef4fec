import { expect, test } from 'vitest'
import { verifiedEvent } from '../../../docs/callback-receiver.ts'
import { signedHeaders } from '../../../src/notifications/callbacks/signature.ts'

const [oldSecret, newSecret] = ['a', 'b'].map((text) => `whsec_${Buffer.alloc(32, text).toString('base64')}`)
const keys = ['a', 'b'].map((text) => Buffer.alloc(32, text))
const body = '{"type":"job.succeeded"}'
const now = Date.parse('2026-11-21T06:00:00Z')

test('signs the example of the Standard Webhooks specification', () => {
  // The example is in
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
  const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')
  const headers = signedHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, '{"test": 2432232314}', [
    secret,
  ])
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test.each([
  ['the current secret', [newSecret], true],
  ['the previous secret', [oldSecret], true],
  ['another secret', [`whsec_${Buffer.alloc(32).toString('base64')}`], false],
  ['no secret', [], false],
])('a receiver with %s accepts the event: %j', (_, secrets, taken) => {
  const headers = signedHeaders('msg_1', now, body, keys)
  expect(verifiedEvent(headers, Buffer.from(body), secrets.map(String), now) !== undefined).toBe(taken)
})

test.each([
  ['another body', {}, `${body} `, 0],
  ['another id', { 'webhook-id': 'msg_2' }, body, 0],
  ['an event of 301 s ago', {}, body, 301],
  ['an event 301 s in the future', {}, body, -301],
  ['no timestamp', { 'webhook-timestamp': '' }, body, 0],
  ['a signature of another version', { 'webhook-signature': 'v2,AAAA' }, body, 0],
])('a receiver refuses %s', (_, changed, given, secondsLater) => {
  const headers = { ...signedHeaders('msg_1', now, body, keys), ...changed }
  const event = verifiedEvent(headers, Buffer.from(given), [String(newSecret)], now + secondsLater * 1000)
  expect(event).toBeUndefined()
})
