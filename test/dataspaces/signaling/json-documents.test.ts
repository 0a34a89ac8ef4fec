import { expect, it } from 'vitest'
import { createJsonDocuments } from '../../../src/dataspaces/signaling/json-documents.ts'
import { parseAllow } from '../../../src/util/egress/allow.ts'
import { createOutgoingCalls } from '../../../src/util/egress/send.ts'
import { hang, hugeBody, slowBody, startReceiver } from '../../support/connector/receiver.ts'

const pick = (document: unknown) => ((document as { key?: string }).key === 'new' ? 'found' : undefined)

it('caches a document, and reads it again for a missing key, up to a limit', async () => {
  await using receiver = await startReceiver()
  await using outgoing = opened()
  const documents = createJsonDocuments(outgoing)
  receiver.react({ status: 200, body: '{"key":"old"}' })
  expect(await documents.find(receiver.url, pick)).toBeUndefined()
  receiver.react({ status: 200, body: '{"key":"new"}' })
  expect(await documents.find(receiver.url, pick)).toBe('found')
  expect(await documents.find(receiver.url, pick)).toBe('found')
  expect(receiver.received).toHaveLength(2)
  for (let tries = 0; tries < 30; tries++) await documents.find(receiver.url, () => undefined)
  expect(receiver.received).toHaveLength(11)
  expect(await documents.find(receiver.url, pick)).toBe('found')
})

it('rejects an invalid document as refused, and a failed request as unavailable', async () => {
  await using receiver = await startReceiver()
  await using outgoing = opened()
  const find = () => createJsonDocuments(outgoing).find(receiver.url, () => 'found')
  for (const [reaction, kind] of [
    [{ status: 200, body: 'no JSON' }, 'refused'],
    [hugeBody, 'refused'],
    [{ status: 404 }, 'unavailable'],
    [{ status: 302, headers: { location: 'http://169.254.169.254/' } }, 'unavailable'],
    [{ status: 500 }, 'unavailable'],
  ] as const) {
    receiver.react(reaction)
    await expect(find()).rejects.toMatchObject({ kind })
  }
  await receiver.stop()
  await expect(find()).rejects.toMatchObject({ kind: 'unavailable' })
  await receiver.start()
})

it.each([
  ['never answers', hang],
  ['never ends its answer', slowBody],
])('rejects as unavailable after the time limit while a host %s', async (_, reaction) => {
  await using receiver = await startReceiver()
  await using outgoing = opened(60)
  receiver.react(reaction)
  const documents = createJsonDocuments(outgoing, { timeoutMs: 200 })
  await expect(documents.find(receiver.url, pick)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/: no answer within 0.2 s$/),
  })
})

function opened(timeoutSeconds = 1) {
  const allow = parseAllow('any')
  if (!allow) throw new Error('any is allowed')
  const outgoing = createOutgoingCalls({ allow, timeoutSeconds })
  return { ...outgoing, [Symbol.asyncDispose]: () => outgoing.close() }
}
