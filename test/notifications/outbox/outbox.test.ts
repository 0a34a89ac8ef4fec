import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { CalledKind, DeliveredKind, Message } from '../../../src/notifications/outbox/outbox.ts'
import { newStoredMessage, outboxKey } from '../../../src/notifications/outbox/stored-message.ts'
import { putJson } from '../../../src/store/json-objects.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { createMetrics } from '../../../src/util/metrics.ts'
import { hang, reset, startReceiver } from '../../support/connector/receiver.ts'
import { leadershipOf } from '../../support/leadership.ts'
import { folderStore, keysOf } from '../../support/store/folder-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fastClock } from '../../support/time/fast-clock.ts'
import { plain, startOutbox } from '../setup.ts'

test("sends a message at once and only once, and keeps only its history, among the job's objects", async () => {
  await using receiver = await startReceiver()
  const store = await folderStore()
  // With this period no listing finds the message.
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

test('a message is sent until its receiver accepts it, and the next one of its lane waits', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, reset, { status: 204 })
  const outbox = startOutbox(await folderStore(), { clock: fastClock(20) })
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

test('each attempt is counted with the state that it leaves', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, { status: 204 })
  const metrics = createMetrics()
  const outbox = startOutbox(await folderStore(), { clock: fastClock(20), metrics })
  await outbox.add(message(receiver.url))
  await receiver.until(2)
  await eventually(async () => {
    const { body } = await metrics.expose()
    expect(body).toContain('delivery_attempts_total{kind="plain",state="pending"} 1')
    expect(body).toContain('delivery_attempts_total{kind="plain",state="delivered"} 1')
  })
})

test('a waiting lane delays no other lane', async () => {
  await using receiver = await startReceiver()
  await using broken = await startReceiver()
  broken.react(hang)
  const outbox = startOutbox(await folderStore())
  await outbox.add(message(broken.url, { lane: 'broken' }))
  await broken.until(1)
  await outbox.add(message(receiver.url, { lane: 'sound' }))
  await receiver.until(1)
})

test('a hanging receiver delays no other receiver, with any number of messages', async () => {
  await using receiver = await startReceiver()
  await using broken = await startReceiver()
  broken.react(hang)
  const outbox = startOutbox(await folderStore(), { timeoutSeconds: 60 })
  const lanes = Array.from({ length: 250 }, (_, number) => `broken-${number}`)
  await Promise.all(lanes.map((lane) => outbox.add(message(broken.url, { lane, job: lane }))))
  await broken.until(40)
  await outbox.add(message(receiver.url, { lane: 'sound' }))
  await receiver.until(1)
  expect(broken.received).toHaveLength(40)
})

test('a message sent after the deletion of its job leaves no history', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, { status: 204 })
  const store = await folderStore()
  await startOutbox(store, { keepsHistory: () => Promise.resolve(false), clock: fastClock(20) }).add(
    message(receiver.url),
  )
  await receiver.until(2)
  await eventually(async () => expect(await keysOf(store)).toEqual([]))
})

test('410 ends a message for good', async () => {
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

test("a receiver's Retry-After is obeyed", async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 503, headers: { 'retry-after': '20' } }, { status: 204 })
  const outbox = startOutbox(await folderStore(), { clock: fastClock(20) })
  await outbox.add(message(receiver.url))
  await receiver.until(2)
  const [{ attempts: [first, second] = [] } = {}] = await eventually(async () => {
    const history = await outbox.history('job-1')
    expect(history[0]?.attempts).toHaveLength(2)
    return history
  })
  expect(Date.parse(second?.at ?? '') - Date.parse(first?.at ?? '')).toBeGreaterThanOrEqual(20_000)
})

test('a pending message is sent by the next process, with its earlier attempts in its history', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 500 }, { status: 204 })
  const store = await folderStore()
  const before = startOutbox(store)
  await before.add(message(receiver.url))
  await eventually(async () =>
    expect(await before.history('job-1')).toMatchObject([{ attempts: [{ status: 500 }] }]),
  )
  await before.close()
  const after = startOutbox(store, { clock: fastClock(20) })
  await receiver.until(2)
  await eventually(async () =>
    expect(await after.history('job-1')).toMatchObject([
      { state: 'delivered', attempts: [{ status: 500 }, { status: 204 }] },
    ]),
  )
})

test('only the leader sends, including the messages of other replicas', async () => {
  await using receiver = await startReceiver()
  const store = await folderStore()
  const leaderships = [leadershipOf(true), leadershipOf(false)] as const
  const sent: string[] = []
  const [leader, other] = leaderships.map((leadership, index) =>
    startOutbox(store, { leadership, kinds: [noting(() => sent.push(['leader', 'other'][index] ?? ''))] }),
  )
  await other?.add(message(receiver.url, { id: 'a', lane: 'a' }))
  await receiver.until(1)
  leaderships[0].set(false)
  await leader?.add(message(receiver.url, { id: 'b', lane: 'b' }))
  await sleep(500)
  expect(sent).toEqual(['leader'])
  leaderships[1].set(true)
  await receiver.until(2)
  expect(sent).toEqual(['leader', 'other'])
})

test('an attempt that fails after the loss of leadership does not restore a message sent by the new leader', async () => {
  await using receiver = await startReceiver()
  receiver.react(hang, { status: 204 })
  const store = await folderStore()
  const leaderships = [leadershipOf(true), leadershipOf(false)] as const
  const [before, after] = leaderships.map((leadership) =>
    startOutbox(store, { leadership, timeoutSeconds: 1 }),
  )
  await before?.add(message(receiver.url))
  await receiver.until(1)
  leaderships[0].set(false)
  leaderships[1].set(true)
  await receiver.until(2)
  await eventually(async () => expect(await keysOf(store, 'outbox/')).toEqual([]))
  // close() waits for the hanging call.
  await before?.close()
  expect(await keysOf(store, 'outbox/')).toEqual([])
  expect(await after?.history('job-1')).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }])
})

test('a last attempt that fails after the loss of leadership leaves the message to the new leader', async () => {
  await using receiver = await startReceiver()
  receiver.react(hang, { status: 204 })
  const store = await folderStore()
  await putOld(store, message(receiver.url))
  const leadership = leadershipOf(true)
  const before = startOutbox(store, { leadership, timeoutSeconds: 1 })
  await receiver.until(1)
  leadership.set(false)
  // close() waits for the hanging call.
  await before.close()
  const after = startOutbox(store)
  await receiver.until(2)
  await eventually(async () => {
    expect(await after.history('job-1')).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }])
  })
})

test('closing waits for a running call, so that it is not repeated', async () => {
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

test('onEnd is called again after it failed, without another call to the receiver', async () => {
  await using receiver = await startReceiver()
  const ends: string[] = []
  const kind: CalledKind = {
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

test('a message whose preparation fails is retried, and its history has the reason', async () => {
  await using receiver = await startReceiver()
  let tries = 0
  const kind: CalledKind = {
    ...plain,
    async prepare(given) {
      if (tries++ === 0) throw new Error('no secret')
      return await plain.prepare(given)
    },
  }
  const outbox = startOutbox(await folderStore(), { kinds: [kind], clock: fastClock(20) })
  await outbox.add(message(receiver.url))
  await receiver.until(1)
  await eventually(async () =>
    expect(await outbox.history('job-1')).toMatchObject([
      { attempts: [{ error: 'no secret' }, { status: 204 }] },
    ]),
  )
})

test('what an earlier process left in a lane is sent before what is added now', async () => {
  await using receiver = await startReceiver()
  const store = await folderStore()
  const earlier = startOutbox(store, { leadership: leadershipOf(false) })
  await earlier.add(message(receiver.url, { id: 'a', seq: 1, data: 'first' }))
  await earlier.close()
  const listed = Promise.withResolvers<void>()
  const list: typeof store.list = async function* (...given) {
    await listed.promise
    yield* store.list(...given)
  }
  const outbox = startOutbox({ ...store, list })
  await outbox.add(message(receiver.url, { id: 'b', seq: 2, data: 'second' }))
  // Time enough to send the second one alone.
  await sleep(300)
  expect(receiver.received).toEqual([])
  listed.resolve()
  const received = await receiver.until(2)
  expect(received.map(({ body }) => body)).toEqual(['"first"', '"second"'])
})

test('a kind of its own way is sent by that, and waiting for its receiver is no failed attempt', async () => {
  const store = await folderStore()
  const back = Promise.withResolvers<void>()
  const sent: unknown[] = []
  const kind: DeliveredKind = {
    kind: 'plain',
    async deliver({ data }) {
      await back.promise
      sent.push(data)
    },
  }
  const outbox = startOutbox(store, { kinds: [kind] })
  await outbox.add(message('other:way'))
  back.resolve()
  await eventually(async () => {
    const attempts = [{ status: null, error: null }]
    expect(await outbox.history('job-1')).toMatchObject([{ state: 'delivered', attempts }])
  })
  expect(sent).toEqual([{ number: 1 }])
})

test('a message of a kind of its own way is never given up, nor one of an unknown kind', async () => {
  const store = await folderStore()
  let tries = 0
  const deliver = () => (tries++ === 0 ? Promise.reject(new Error('broken off')) : Promise.resolve())
  await putOld(store, message('other:way'))
  const stranger = startOutbox(store, { kinds: [] })
  await eventually(async () => {
    expect(await stranger.history('job-1')).toMatchObject([
      { state: 'pending', attempts: [{ error: "this version can't send messages of the kind plain" }] },
    ])
  })
  await stranger.close()
  const outbox = startOutbox(store, { kinds: [{ kind: 'plain', deliver }], clock: fastClock(20) })
  await eventually(async () => {
    const attempts = [{}, { error: 'broken off' }, { error: null }]
    expect(await outbox.history('job-1')).toMatchObject([{ state: 'delivered', attempts }])
  })
})

/** Puts a message into the outbox for which calls are over after the next one. */
async function putOld(store: ArtifactStore, old: Message): Promise<void> {
  await putJson(store, outboxKey(old), newStoredMessage(old, Date.now() - 25 * 3_600_000))
}

function message(url: string, given: Partial<Message> = {}): Message {
  return { id: 'm1', lane: 'job-job-1', kind: 'plain', job: 'job-1', url, data: { number: 1 }, ...given }
}

function noting(note: () => void): CalledKind {
  return {
    ...plain,
    async prepare(given) {
      note()
      return await plain.prepare(given)
    },
  }
}
