import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type EventStream, openEvents, type SentEvent } from '../../support/api/event-stream.ts'
import { checkEvent } from '../check-answer.ts'
import { call, deployJson } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const jobs = {
  quick: 'command: [sh, -c, "echo hello > $RESULT_DIRECTORY/greeting"]',
  second: 'command: [sh, -c, "sleep 3"]',
  slow: 'command: [sh, -c, "sleep 60"]',
}
const token = { authorization: 'Bearer secret' }
let api: RunningApi

beforeAll(async () => {
  const sha256 = createHash('sha256').update('secret').digest('hex')
  api = await startApi(jobs, { API_TOKENS: `me:${sha256}`, EVENT_HEARTBEAT_SECONDS: '1' })
})
afterAll(() => api.close())

test("a job's stream sends its current state and each later one, and ends after the final one", async () => {
  const uuid = await deploy('second')
  const stream = await open(`/job/${uuid}/events`)
  expect(stream).toMatchObject({
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
  })
  expect(await stream.ended).toBe('ended')
  expect(stream.events.every(({ event, data }) => event === 'state' && data.job_uuid === uuid)).toBe(true)
  const states = statesOf(stream.events)
  const order = ['queued', 'preparing', 'running', 'storing', 'succeeded']
  expect(states).toEqual(order.filter((state) => states.includes(state)))
  expect(states).toEqual(expect.arrayContaining(['running', 'succeeded']))
  // What happened on the way is in GET /job/:id alone.
  const answer = await (await call(api.url, { path: `/job/${uuid}`, headers: token })).json()
  const { history: _, usage: __, ...job } = answer as Record<string, unknown>
  expect(stream.events.at(-1)?.data).toEqual(job)
})

test('a client that reconnects after the end gets 204, so that an EventSource stops', async () => {
  const uuid = await deploy('quick')
  const first = await open(`/job/${uuid}/events`)
  await first.ended
  const again = await open(`/job/${uuid}/events`, { 'last-event-id': String(first.lastId) })
  expect(again.status).toBe(204)
  const afresh = await open(`/job/${uuid}/events`)
  await afresh.ended
  expect(statesOf(afresh.events)).toEqual(['succeeded'])
})

test('a client that reconnects before the end gets the missed events in order, and none twice', async () => {
  const uuid = await deploy('second')
  const whole = await open(`/job/${uuid}/events`)
  await whole.until((events) => statesOf(events).includes('running'))
  const seen = whole.events.find(({ data }) => data.state === 'running')
  await whole.ended
  const again = await open(`/job/${uuid}/events`, { 'last-event-id': String(seen?.id) })
  await again.ended
  const at = whole.events.findIndex(({ id }) => id === seen?.id)
  expect(again.events).toEqual(whole.events.slice(at + 1))
})

test('a client that reconnects before any change gets only later events', async () => {
  const uuid = await deploy('slow')
  const first = await open(`/job/${uuid}/events`)
  await first.until((events) => statesOf(events).includes('running'))
  const again = await open(`/job/${uuid}/events`, { 'last-event-id': String(first.lastId) })
  await untilHeartbeat(again)
  expect(again.events).toEqual([])
  await call(api.url, { method: 'DELETE', path: `/job/${uuid}`, headers: token })
  expect(await again.ended).toBe('ended')
  expect(again.events.at(-1)).toMatchObject({ event: 'deleted', data: { job_uuid: uuid } })
})

test("the stream of all jobs continues after the client's Last-Event-ID", async () => {
  const all = await open('/events')
  const first = await deploy('quick')
  await all.until((events) => finals(events).includes(first))
  all.close()
  const missed = await deploy('quick')
  await call(api.url, { path: `/job/${missed}?wait=50`, headers: token })
  const again = await open('/events', { 'last-event-id': String(all.lastId) })
  await again.until((events) => finals(events).includes(missed))
  expect(again.events.map(({ data }) => data.job_uuid)).not.toContain(first)
  expect(again.events[0]?.data).toMatchObject({ job_uuid: missed })
})

test('an unknown Last-Event-ID is answered with a reset: the client has to read the list', async () => {
  const stream = await open('/events', { 'last-event-id': '0a1b2c3d-17' })
  await stream.until((events) => events.length === 1)
  expect(stream.events).toEqual([{ id: undefined, event: 'reset', data: {} }])
  expect(stream.lastId).toMatch(/^[0-9a-f]{8}-\d+$/)
})

test('a stream without events sends heartbeats', async () => {
  const stream = await open('/events')
  await untilHeartbeat(stream)
  await untilHeartbeat(stream, 2)
})

test('streams need a token, and allow only GET and HEAD', async () => {
  const uuid = await deploy('quick')
  for (const path of ['/events', `/job/${uuid}/events`]) {
    expect((await call(api.url, { path })).status).toBe(401)
    expect((await call(api.url, { method: 'POST', path, headers: token })).status).toBe(405)
    const head = await call(api.url, { method: 'HEAD', path, headers: token })
    expect(head).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/event-stream; charset=utf-8' },
    })
  }
  expect((await open('/job/00000000-0000-4000-8000-000000000000/events')).status).toBe(404)
  expect((await open('/events?wait=1')).status).toBe(400)
})

test('a shutdown ends the streams instead of waiting for them', async () => {
  const other = await startApi(jobs, { SHUTDOWN_SECONDS: '120' })
  const stream = await openEvents(`${other.url}/events`)
  const began = Date.now()
  await other.close()
  expect(await stream.ended).toBe('ended')
  expect(Date.now() - began).toBeLessThan(60_000)
})

async function open(path: string, headers: Record<string, string> = {}): Promise<EventStream> {
  const stream = await openEvents(`${api.url}${path}`, { ...token, ...headers })
  onTestFinished(() => {
    stream.close()
    for (const { event, data } of stream.events) checkEvent(event, data)
  })
  return stream
}

async function deploy(job: string): Promise<string> {
  const given = deployJson({ job })
  const answer = await call(api.url, { ...given, headers: { ...given.headers, ...token } })
  return (answer.json() as { job_uuid: string }).job_uuid
}

function statesOf(events: readonly SentEvent[]): unknown[] {
  return events.map(({ data }) => data.state)
}

function finals(events: readonly SentEvent[]): unknown[] {
  return events.filter(({ data }) => data.state === 'succeeded').map(({ data }) => data.job_uuid)
}

async function untilHeartbeat(stream: EventStream, times = 1): Promise<void> {
  await stream.until(() => stream.heartbeats >= times)
}
