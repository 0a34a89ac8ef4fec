import { expect, it } from 'vitest'
import { parseAllow } from '../../../src/completion/outgoing/allow.ts'
import { createOutgoing } from '../../../src/completion/outgoing/send.ts'
import { createJsonDocuments } from '../../../src/completion/signaling/json-documents.ts'
import { hugeBody, startReceiver } from '../../support/receiver.ts'

const pick = (document: unknown) => ((document as { key?: string }).key === 'new' ? 'found' : undefined)

it('keeps a document, and reads it again for a key that it does not have, but not without end', async () => {
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

it('tells a document that is wrong from one that can not be had now', async () => {
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

function opened() {
  const allow = parseAllow('any')
  if (!allow) throw new Error('any is allowed')
  const outgoing = createOutgoing({ allow, timeoutMilliseconds: 1000 })
  return { ...outgoing, [Symbol.asyncDispose]: () => outgoing.close() }
}
