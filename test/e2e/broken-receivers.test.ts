import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifiedEvent } from '../../docs/callback-receiver.ts'
import type { Delivery } from '../../src/notifications/outbox/outbox.ts'
import { getJson, postJson } from '../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../support/api/on-cluster.ts'
import { hang, type Reaction, type Receiver, reset, startReceiver } from '../support/connector/receiver.ts'
import { eventually } from '../support/time/eventually.ts'

const secret = `whsec_${Buffer.alloc(32, 'b').toString('base64')}`
const metadata = { location: 'http://169.254.169.254/latest/meta-data' }
const failsForAWhile: Reaction[] = [{ status: 500 }, { status: 503 }, { status: 204 }]

/**
 * One job for each receiver: its reactions, and its first answers as the
 * job's callback history lists them.
 */
const cases: Record<string, { reactions: Reaction[]; tries: (string | number)[]; tls?: boolean }> = {
  refuses: { reactions: [{ status: 204 }], tries: ['ECONNREFUSED', 'ECONNREFUSED'] },
  'fails for a while': { reactions: failsForAWhile, tries: [500, 503, 204] },
  hangs: { reactions: [hang, { status: 204 }], tries: ['no answer within 5 s', 204] },
  'resets the connection': {
    reactions: [reset, { status: 200 }],
    tries: ['ECONNRESET|other side closed', 200],
  },
  'redirects to a metadata address': {
    reactions: [{ status: 307, headers: metadata }],
    tries: [307, 307],
  },
  'has a certificate of its own': {
    reactions: [{ status: 204 }],
    tries: ['self-signed certificate', 'self-signed certificate'],
    tls: true,
  },
  'is gone': { reactions: [{ status: 410 }], tries: [410] },
}
const ends: Record<string, Delivery['state']> = {
  'fails for a while': 'delivered',
  hangs: 'delivered',
  'resets the connection': 'delivered',
  'is gone': 'rejected',
}

let cluster: OnCluster
const receivers = new Map<string, Receiver>()
const uuids = new Map<string, string>()

beforeAll(async () => {
  const environment = {
    CALLBACK_SECRETS: `*: ${secret}`,
    OUTGOING_ALLOW: 'loopback',
    OUTGOING_TIMEOUT_SECONDS: '5',
  }
  cluster = await startOnCluster({ name: 'broken-receivers', environment })
  await Promise.all(
    Object.entries(cases).map(([what, { reactions, tls = false }]) => begin(what, reactions, tls)),
  )
})
afterAll(async () => {
  await Promise.all([...receivers.values()].map((receiver) => receiver.stop().catch(() => undefined)))
  await cluster.close()
})

test.each(Object.keys(cases))(
  'a receiver that %s: its job’s callback history lists its answers',
  async (what) => {
    const { tries = [] } = cases[what] ?? {}
    const {
      attempts,
      state,
      next_at: next,
    } = await eventually(
      async () => {
        const delivery = await deliveryOf(what)
        expect(delivery.attempts.length).toBeGreaterThanOrEqual(tries.length)
        expect(delivery.state).toBe(ends[what] ?? 'pending')
        return delivery
      },
      { within: 60_000, every: 200 },
    )
    expect(attempts.slice(0, tries.length).map(({ status, error }) => status ?? error)).toEqual(
      tries.map((one) => (typeof one === 'number' ? one : expect.stringMatching(one))),
    )
    expect(next === null).toBe(state !== 'pending')
  },
)

test('each job succeeds with its results regardless of its receiver, and each sent callback is signed', async () => {
  for (const [what, uuid] of uuids) {
    const { state, result } = await getJson<{ state: string; result: { state: string } }>(
      `${cluster.url}/job/${uuid}?wait=50`,
    )
    expect({ what, state, result: result.state }).toEqual({ what, state: 'succeeded', result: 'complete' })
    const received = receivers.get(what)?.received ?? []
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(
      received.length > 0 ? 1 : 0,
    )
    for (const { headers, body } of received) {
      expect(verifiedEvent(headers, Buffer.from(body), [secret])?.data.job_uuid).toBe(uuid)
    }
  }
  expect(receivers.get('has a certificate of its own')?.received).toEqual([])
  expect(receivers.get('is gone')?.received).toHaveLength(1)
})

test('a receiver that is back gets a redelivery at once', async () => {
  const what = 'refuses'
  await receivers.get(what)?.start()
  const { status } = await postJson(`${cluster.url}/job/${uuids.get(what)}/callbacks/redeliver`, {})
  expect(status).toBe(202)
  await eventually(async () => expect((await deliveryOf(what)).state).toBe('delivered'), { within: 20_000 })
})

test('a metadata address as callback is refused, and no job runs', async () => {
  const { status, body } = await postJson(`${cluster.url}/job/deploy`, {
    ...busybox('true'),
    callback: metadata.location,
  })
  expect(status).toBe(400)
  expect(body).toMatchObject({ errors: [{ field: 'callback' }] })
})

async function begin(what: string, reactions: Reaction[], tls: boolean): Promise<void> {
  const receiver = await startReceiver({ tls })
  receivers.set(what, receiver)
  receiver.react(...reactions)
  if (what === 'refuses') await receiver.stop()
  const request = { ...busybox('echo done > $RESULT_DIRECTORY/file'), callback: receiver.url }
  const { status, body } = await postJson(`${cluster.url}/job/deploy`, request)
  expect(status, JSON.stringify(body)).toBe(201)
  uuids.set(what, String(body.job_uuid))
}

async function deliveryOf(what: string): Promise<Delivery> {
  const path = `${cluster.url}/job/${uuids.get(what)}/callbacks`
  const [newest] = (await getJson<{ callbacks: Delivery[] }>(path)).callbacks
  if (newest === undefined) throw new Error(`nothing was sent yet to the one that ${what}`)
  return newest
}
