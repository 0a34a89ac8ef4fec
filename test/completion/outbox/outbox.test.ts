import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Message, MessageKind } from '../../../src/completion/outbox/outbox.ts'
import { eventually } from '../../support/eventually.ts'
import { folderStore, keysOf } from '../../support/folder-store.ts'
import { hang, reset, startReceiver } from '../../support/receiver.ts'
import { leaseOf, plain, startOutbox } from '../setup.ts'

test('sends at once, keeps the history with the job and nothing else, and nothing twice', async () => {
  await using receiver = await startReceiver()
  const store = await folderStore()
  // Nothing is found by a listing then.
  const outbox = startOutbox(store, { every: 3_600_000 })
  await outbox.add(message(receiver.url))
  const [first] = await receiver.until(1)
  expect(first).toMatchObject({ method: 'POST', body: '{"number":1}' })
  await eventually(async () => expect(await keysOf(store, 'outbox/')).toEqual([]))
  expect(await outbox.history('job-1')).toMatchObject([
    { id: 'm1', kind: 'plain', state: 'delivered', next_at: null, attempts: [{ status: 204, error: null }] },
  ])
  await outbox.add(message(receiver.url))
  await sleep(300)
  expect(receiver.received).toHaveLength(1)
})

test('a receiver that fails gets it again until it takes it, and what follows in its lane waits', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, reset, { status: 204 })
  const outbox = startOutbox(await folderStore())
  await outbox.add(message(receiver.url, { id: 'a', seq: 1, data: 'first' }))
  await outbox.add(message(receiver.url, { id: 'b', seq: 2, data: 'second' }))
  const received = await receiver.until(4)
  expect(received.map(({ body }) => body)).toEqual(['"first"', '"first"', '"first"', '"second"'])
  await eventually(async () => {
    expect(await outbox.history('job-1')).toMatchObject([
      { id: 'a', state: 'delivered', attempts: [{ status: 500 }, { status: null }, { status: 204 }] },
      { id: 'b', state: 'delivered', attempts: [{ status: 204 }] },
    ])
  })
})

test('a lane that waits holds up no other', async () => {
  await using receiver = await startReceiver()
  await using broken = await startReceiver()
  broken.react(hang)
  const outbox = startOutbox(await folderStore())
  await outbox.add(message(broken.url, { lane: 'broken' }))
  await broken.until(1)
  await outbox.add(message(receiver.url, { lane: 'sound' }))
  await receiver.until(1)
})

test('a receiver that hangs holds up no other, however much it is to get', async () => {
  await using receiver = await startReceiver()
  await using broken = await startReceiver()
  broken.react(hang)
  const outbox = startOutbox(await folderStore(), { timeoutMilliseconds: 60_000 })
  const lanes = Array.from({ length: 250 }, (_, number) => `broken-${number}`)
  await Promise.all(lanes.map((lane) => outbox.add(message(broken.url, { lane, job: lane }))))
  await broken.until(40)
  await outbox.add(message(receiver.url, { lane: 'sound' }))
  await receiver.until(1)
  expect(broken.received).toHaveLength(40)
})

test('what is sent after the deletion of its job brings nothing of that back', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, { status: 204 })
  const store = await folderStore()
  await startOutbox(store, { keepsHistory: () => Promise.resolve(false) }).add(message(receiver.url))
  await receiver.until(2)
  await eventually(async () => expect(await keysOf(store)).toEqual([]))
})

test('410 ends it, whatever the job is', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 410 })
  const store = await folderStore()
  const outbox = startOutbox(store)
  await outbox.add(message(receiver.url))
  await eventually(async () => {
    expect(await outbox.history('job-1')).toMatchObject([{ state: 'rejected', attempts: [{ status: 410 }] }])
    expect(await keysOf(store, 'outbox/')).toEqual([])
  })
})

test('a receiver that asks for time gets it', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 503, headers: { 'retry-after': '2' } }, { status: 204 })
  await startOutbox(await folderStore()).add(message(receiver.url))
  const [first, second] = await receiver.until(2)
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2000)
})

test('what is owed is sent by the next process, with what was tried before', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, { status: 204 })
  const store = await folderStore()
  const before = startOutbox(store)
  await before.add(message(receiver.url))
  await eventually(async () =>
    expect(await before.history('job-1')).toMatchObject([{ attempts: [{ status: 500 }] }]),
  )
  await before.close()
  const after = startOutbox(store)
  await receiver.until(2)
  await eventually(async () =>
    expect(await after.history('job-1')).toMatchObject([
      { state: 'delivered', attempts: [{ status: 500 }, { status: 204 }] },
    ]),
  )
})

test('only who holds the Lease sends, also what others add', async () => {
  await using receiver = await startReceiver()
  const store = await folderStore()
  const leases = [leaseOf(true), leaseOf(false)] as const
  const sent: string[] = []
  const [holder, other] = leases.map((lease, index) =>
    startOutbox(store, { lease, kinds: [noting(() => sent.push(['holder', 'other'][index] ?? ''))] }),
  )
  await other?.add(message(receiver.url, { id: 'a', lane: 'a' }))
  await receiver.until(1)
  leases[0].give(false)
  await holder?.add(message(receiver.url, { id: 'b', lane: 'b' }))
  await sleep(500)
  expect(sent).toEqual(['holder'])
  leases[1].give(true)
  await receiver.until(2)
  expect(sent).toEqual(['holder', 'other'])
})

test('a try that failed after the Lease was lost does not bring back what another process has sent', async () => {
  await using receiver = await startReceiver()
  receiver.react(hang, { status: 204 })
  const store = await folderStore()
  const leases = [leaseOf(true), leaseOf(false)] as const
  const [before, after] = leases.map((lease) => startOutbox(store, { lease, timeoutMilliseconds: 1000 }))
  await before?.add(message(receiver.url))
  await receiver.until(1)
  leases[0].give(false)
  leases[1].give(true)
  await receiver.until(2)
  await eventually(async () => expect(await keysOf(store, 'outbox/')).toEqual([]))
  // Waits for the call that hangs.
  await before?.close()
  expect(await keysOf(store, 'outbox/')).toEqual([])
  expect(await after?.history('job-1')).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }])
})

test('a process that ends lets a call under way come to its end, so that it is not made again', async () => {
  await using receiver = await startReceiver()
  receiver.react((res) => void setTimeout(() => res.writeHead(204).end(), 300))
  const store = await folderStore()
  const outbox = startOutbox(store)
  await outbox.add(message(receiver.url))
  await receiver.until(1)
  await outbox.close()
  expect(await keysOf(store, 'outbox/')).toEqual([])
  expect(await outbox.history('job-1')).toMatchObject([{ state: 'delivered' }])
})

test('an end that can not be told is told again, and nothing is sent again', async () => {
  await using receiver = await startReceiver()
  const ends: string[] = []
  const kind: MessageKind = {
    ...plain,
    async onEnd(_, { state }) {
      ends.push(state)
      if (ends.length === 1) throw new Error('not now')
    },
  }
  const store = await folderStore()
  await startOutbox(store, { kinds: [kind] }).add(message(receiver.url))
  await eventually(async () => expect(await keysOf(store, 'outbox/')).toEqual([]))
  expect(ends).toEqual(['delivered', 'delivered'])
  expect(receiver.received).toHaveLength(1)
})

test('a message that can not be prepared is tried again, and its history says why', async () => {
  await using receiver = await startReceiver()
  let tries = 0
  const kind: MessageKind = {
    ...plain,
    async prepare(given) {
      if (tries++ === 0) throw new Error('no secret')
      return await plain.prepare(given)
    },
  }
  const outbox = startOutbox(await folderStore(), { kinds: [kind] })
  await outbox.add(message(receiver.url))
  await receiver.until(1)
  await eventually(async () =>
    expect(await outbox.history('job-1')).toMatchObject([
      { attempts: [{ error: 'no secret' }, { status: 204 }] },
    ]),
  )
})

function message(url: string, given: Partial<Message> = {}): Message {
  return { id: 'm1', lane: 'job-job-1', kind: 'plain', job: 'job-1', url, data: { number: 1 }, ...given }
}

function noting(note: () => void): MessageKind {
  return {
    ...plain,
    async prepare(given) {
      note()
      return await plain.prepare(given)
    },
  }
}
