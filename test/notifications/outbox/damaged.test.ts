import { expect, test } from 'vitest'
import { startReceiver } from '../../support/connector/receiver.ts'
import { leadershipOf } from '../../support/leadership.ts'
import { folderStore, keysOf } from '../../support/store/folder-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fastClock } from '../../support/time/fast-clock.ts'
import { plain, startOutbox } from '../setup.ts'

const key = 'outbox/job-1/000000000001-a.json'
const message = { id: 'b', lane: 'job-1', seq: 2, kind: 'plain', job: '1', url: '', data: 'second' }

test.each([
  ['half a document', '{"version": 1, "mess'],
  ['a document of another version', '{"version": 2}'],
  ['an empty text', ''],
  ['another message', JSON.stringify({ version: 1, message, attempts: [], state: 'pending' })],
])('a message stored as %s is set aside, and its lane continues', async (_, text) => {
  await using receiver = await startReceiver()
  const store = await folderStore()
  await store.put(key, Buffer.from(text))
  const outbox = startOutbox(store)
  await outbox.add({ ...message, url: receiver.url })
  expect((await receiver.until(1)).map(({ body }) => body)).toEqual(['"second"'])
  await eventually(async () => expect(await keysOf(store, 'outbox/')).toEqual([]))
  expect(await keysOf(store, 'damaged/')).toEqual([`damaged/${key}`])
  expect(await outbox.damaged(AbortSignal.timeout(5000))).toEqual([`damaged/${key}`])
  const gone = { id: 'a', kind: 'damaged', state: 'rejected', attempts: [{ status: null }] }
  const history = await outbox.history('1')
  expect(history).toHaveLength(2)
  expect(history).toEqual(expect.arrayContaining([expect.objectContaining({ id: 'b', state: 'delivered' })]))
  expect(history.find(({ id }) => id === 'a')).toMatchObject(gone)
  expect(history.find(({ id }) => id === 'a')?.attempts[0]?.error).toContain(`damaged/${key}`)
})

test('a damaged message with earlier attempts is sent from its history', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, { status: 204 })
  const store = await folderStore()
  const leadership = leadershipOf(true)
  const before = startOutbox(store, { leadership })
  await before.add({ ...message, url: receiver.url })
  await eventually(async () =>
    expect(await before.history('1')).toMatchObject([{ attempts: [{ status: 500 }] }]),
  )
  await before.close()
  await store.put('outbox/job-1/000000000002-b.json', Buffer.from('{'))
  const after = startOutbox(store, { clock: fastClock(20) })
  await eventually(async () =>
    expect(await after.history('1')).toMatchObject([
      { state: 'delivered', attempts: [{ status: 500 }, { status: 204 }] },
    ]),
  )
  expect(await keysOf(store, 'damaged/')).toEqual([])
})

test('a damaged message is sent if its kind can remake it', async () => {
  await using receiver = await startReceiver()
  const store = await folderStore()
  await store.put('outbox/job-1/000000000002-b.json', Buffer.from('{'))
  const remake = () => Promise.resolve({ ...message, url: receiver.url })
  const outbox = startOutbox(store, { kinds: [{ ...plain, remake }] })
  expect((await receiver.until(1)).map(({ body }) => body)).toEqual(['"second"'])
  await eventually(async () => expect(await outbox.history('1')).toMatchObject([{ state: 'delivered' }]))
  expect(await keysOf(store, 'damaged/')).toEqual([])
})

test.each([
  ['remakes only another message', () => Promise.resolve(message)],
  ['fails to remake it', () => Promise.reject(new SyntaxError('half of it'))],
])('a damaged message whose kind %s is set aside', async (_, remake) => {
  const store = await folderStore()
  await store.put(key, Buffer.from('{'))
  startOutbox(store, { kinds: [{ ...plain, remake }] })
  await eventually(async () => expect(await keysOf(store, 'outbox/')).toEqual([]))
  expect(await keysOf(store, 'damaged/')).toEqual([`damaged/${key}`])
})

test("a deleted job's damaged message is set aside without a new history", async () => {
  const store = await folderStore()
  await store.put(key, Buffer.from('{'))
  startOutbox(store, { keepsHistory: () => Promise.resolve(false) })
  await eventually(async () => expect(await keysOf(store)).toEqual([`damaged/${key}`]))
})

test('an unreadable history is shown as damaged', async () => {
  const store = await folderStore()
  await store.put('jobs/1/callbacks/provision-7-000000000001-edc-end-7-1790000000000.json', Buffer.from('{'))
  expect(await startOutbox(store).history('1')).toMatchObject([
    { id: 'edc-end-7-1790000000000', kind: 'damaged', attempts: [{ status: null }] },
  ])
})

test('a message of an unknown kind is retried, and its history has the reason', async () => {
  const outbox = startOutbox(await folderStore())
  await outbox.add({ ...message, kind: 'of-another-version' })
  await eventually(async () =>
    expect(await outbox.history('1')).toMatchObject([
      { state: 'pending', attempts: [{ error: expect.stringContaining('of-another-version') as string }] },
    ]),
  )
})
