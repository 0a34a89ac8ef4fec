import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { folderStore, keysOf } from '../../support/folder-store.ts'
import { startReceiver } from '../../support/receiver.ts'
import { leaseOf, plain, startOutbox } from '../setup.ts'

const key = 'outbox/job-1/000000000001-a.json'
const message = { id: 'b', lane: 'job-1', seq: 2, kind: 'plain', job: '1', url: '', data: 'second' }

test.each([
  ['half of it', '{"version": 1, "mess'],
  ['of another version', '{"version": 2}'],
  ['nothing', ''],
  ['another message', JSON.stringify({ version: 1, message, attempts: [], state: 'pending' })],
])('a message of which there is %s is set aside, and its lane goes on', async (_, text) => {
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

test('a message that was tried before is sent as its history has it', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, { status: 204 })
  const store = await folderStore()
  const lease = leaseOf(true)
  const before = startOutbox(store, { lease })
  await before.add({ ...message, url: receiver.url })
  await eventually(async () =>
    expect(await before.history('1')).toMatchObject([{ attempts: [{ status: 500 }] }]),
  )
  await before.close()
  await store.put('outbox/job-1/000000000002-b.json', Buffer.from('{'))
  const after = startOutbox(store)
  await eventually(async () =>
    expect(await after.history('1')).toMatchObject([
      { state: 'delivered', attempts: [{ status: 500 }, { status: 204 }] },
    ]),
  )
  expect(await keysOf(store, 'damaged/')).toEqual([])
})

test('a message that its kind can make anew is sent after all', async () => {
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
  ['can make another one only', () => Promise.resolve(message)],
  ['has nothing whole to make it of', () => Promise.reject(new SyntaxError('half of it'))],
])('a message whose kind %s is set aside', async (_, remake) => {
  const store = await folderStore()
  await store.put(key, Buffer.from('{'))
  startOutbox(store, { kinds: [{ ...plain, remake }] })
  await eventually(async () => expect(await keysOf(store, 'outbox/')).toEqual([]))
  expect(await keysOf(store, 'damaged/')).toEqual([`damaged/${key}`])
})

test('a message of a job that was deleted is set aside without bringing anything of that back', async () => {
  const store = await folderStore()
  await store.put(key, Buffer.from('{'))
  startOutbox(store, { keepsHistory: () => Promise.resolve(false) })
  await eventually(async () => expect(await keysOf(store)).toEqual([`damaged/${key}`]))
})

test('a history that can not be read is shown as that', async () => {
  const store = await folderStore()
  await store.put('jobs/1/callbacks/provision-7-000000000001-edc-end-7-1790000000000.json', Buffer.from('{'))
  expect(await startOutbox(store).history('1')).toMatchObject([
    { id: 'edc-end-7-1790000000000', kind: 'damaged', attempts: [{ status: null }] },
  ])
})

test('a message of a kind that nothing here sends is tried again, and its history says why', async () => {
  const outbox = startOutbox(await folderStore())
  await outbox.add({ ...message, kind: 'of-another-version' })
  await eventually(async () =>
    expect(await outbox.history('1')).toMatchObject([
      { state: 'pending', attempts: [{ error: expect.stringContaining('of-another-version') as string }] },
    ]),
  )
})
