import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifiedEvent } from '../../../docs/callback-receiver.ts'
import { type Received, type Receiver, startReceiver } from '../../support/connector/receiver.ts'
import { eventually } from '../../support/time/eventually.ts'
import { checkCallback } from '../check-answer.ts'
import { call, deployForm, deployJson } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const jobs = {
  quick: 'command: [sh, -c, "echo hello > $RESULT_DIRECTORY/greeting"]',
  failing: 'command: [sh, -c, "exit 3"]',
  slow: 'command: [sh, -c, "sleep 60"]',
}
const [mine, former, shared] = ['m', 'f', 'e'].map((letter) => whsec(letter))
const token = 'the-token-of-edc'
const authorization = { authorization: `Bearer ${token}` }

let api: RunningApi
let open: RunningApi
let receiver: Receiver

beforeAll(async () => {
  const sha256 = createHash('sha256').update(token).digest('hex')
  const secrets = `edc: ${mine} ${former}`
  receiver = await startReceiver()
  api = await startApi(jobs, { API_TOKENS: `edc:${sha256}`, CALLBACK_SECRETS: secrets })
  open = await startApi(jobs, { CALLBACK_SECRETS: `edc: ${mine}\n*: ${shared}`, OUTGOING_ALLOW: 'any' })
})

afterAll(async () => {
  await api.close()
  await open.close()
  await receiver.stop()
})

test("an ended job's callback is signed with the secrets of the token that deployed it", async () => {
  const uuid = await deploy(api, { job: 'quick', callback: `${receiver.url}/done?x=1` })
  const received = await callbackOf(uuid)
  expect(received).toMatchObject({ method: 'POST', path: '/done?x=1' })
  expect(received.headers['content-type']).toBe('application/json')
  // What happened on the way is in GET /job/:id alone.
  const answer = (await get(api, `/job/${uuid}`)) as Record<string, unknown>
  const { made_by: _, history: __, usage: ___, ...job } = answer
  for (const secret of [mine, former]) {
    const event = verifiedEvent(received.headers, Buffer.from(received.body), [String(secret)])
    expect(event).toMatchObject({ type: 'job.succeeded', data: job })
    expect(event).not.toHaveProperty('data.made_by')
  }
  expect(verifiedEvent(received.headers, Buffer.from(received.body), [String(shared)])).toBeUndefined()
  await eventually(async () => {
    expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({
      job_uuid: uuid,
      callbacks: [
        { kind: 'callback', event: 'job.succeeded', state: 'delivered', attempts: [{ status: 204 }] },
      ],
    })
  })
})

test('a GET and a form may ask for a callback; without a token it is signed with the secrets of *', async () => {
  const query = new URLSearchParams({ job: 'failing', callback: receiver.url, callback_events: 'job.failed' })
  const got = await call(open.url, { path: `/job/deploy?${query}` })
  const request = JSON.stringify({ job: 'quick', callback: receiver.url })
  const posted = await call(open.url, deployForm({ name: 'request', content: request }))
  for (const [answer, type] of [[got, 'job.failed'] as const, [posted, 'job.succeeded'] as const]) {
    const { headers, body } = await callbackOf((answer.json() as { job_uuid: string }).job_uuid)
    expect(verifiedEvent(headers, Buffer.from(body), [String(shared)])).toMatchObject({ type })
  }
})

test("requested events arrive once each, in the order of the job's states", async () => {
  const events = ['job.preparing', 'job.running', 'job.storing', 'job.succeeded']
  const uuid = await deploy(api, { job: 'quick', callback: receiver.url, callback_events: events })
  const types = () => callbacksOf(uuid).map(({ body }) => (JSON.parse(body) as { type: string }).type)
  await eventually(() => expect(types()).toContain('job.succeeded'))
  // A state that lasts only milliseconds may pass unseen.
  expect(types()).toEqual(events.filter((type) => types().includes(type)))
  expect(types()).toContain('job.running')
})

test('an event outside callback_events is not sent', async () => {
  const wanted = { job: 'failing', callback: receiver.url, callback_events: ['job.succeeded'] }
  const uuid = await deploy(api, wanted)
  await call(api.url, { path: `/job/${uuid}?wait=50`, headers: authorization })
  const other = await deploy(api, { ...wanted, job: 'quick' })
  await callbackOf(other)
  expect(callbacksOf(uuid)).toEqual([])
})

test('deleting a running job sends job.canceled', async () => {
  const uuid = await deploy(api, { job: 'slow', callback: receiver.url })
  await call(api.url, { method: 'DELETE', path: `/job/${uuid}`, headers: authorization })
  const { body } = await callbackOf(uuid)
  expect(JSON.parse(body)).toMatchObject({ type: 'job.canceled', data: { reason: 'Canceled' } })
})

test('redeliver sends a delivered callback again with the same id and body', async () => {
  const uuid = await deploy(api, { job: 'quick', callback: receiver.url })
  const before = await callbackOf(uuid)
  await eventually(async () => {
    expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({ callbacks: [{ state: 'delivered' }] })
  })
  const answer = await call(api.url, {
    method: 'POST',
    path: `/job/${uuid}/callbacks/redeliver`,
    headers: authorization,
  })
  expect(answer.status).toBe(202)
  const [, after] = await eventually(() => {
    const all = callbacksOf(uuid)
    expect(all).toHaveLength(2)
    return all
  })
  expect(after?.body).toBe(before.body)
  expect(after?.headers['webhook-id']).toBe(before.headers['webhook-id'])
  await eventually(async () => {
    expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({
      callbacks: [{}, { state: 'delivered' }],
    })
  })
})

test('redeliver sends a waiting callback at once', async () => {
  await using away = await startReceiver()
  away.react({ status: 503, headers: { 'retry-after': '3600' } }, { status: 204 })
  const uuid = await deploy(api, { job: 'quick', callback: away.url })
  await eventually(async () => {
    expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({
      callbacks: [{ state: 'pending', attempts: [{ status: 503 }] }],
    })
  })
  await call(api.url, { method: 'POST', path: `/job/${uuid}/callbacks/redeliver`, headers: authorization })
  await away.until(2)
  await eventually(async () => {
    expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({ callbacks: [{ state: 'delivered' }] })
  })
})

test('a receiver that answers 410 gets no further callback of that job', async () => {
  await using gone = await startReceiver()
  gone.react({ status: 410 })
  const events = ['job.running', 'job.succeeded', 'job.failed', 'job.canceled']
  const uuid = await deploy(api, { job: 'slow', callback: gone.url, callback_events: events })
  await eventually(async () => {
    expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({ callbacks: [{ state: 'rejected' }] })
  })
  await call(api.url, { method: 'POST', path: `/job/${uuid}/cancel`, headers: authorization })
  await call(api.url, { path: `/job/${uuid}?wait=50`, headers: authorization })
  expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({
    callbacks: [{ attempts: [{ status: 410 }] }],
  })
  expect(gone.received).toHaveLength(1)
})

test('a callback queued behind one that is answered with 410 is not sent', async () => {
  await using gone = await startReceiver()
  gone.react({ status: 503, headers: { 'retry-after': '3600' } }, { status: 410 })
  const events = ['job.running', 'job.succeeded']
  const uuid = await deploy(api, { job: 'quick', callback: gone.url, callback_events: events })
  await eventually(async () => {
    expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({
      callbacks: [{ attempts: [{ status: 503 }] }, { state: 'pending', attempts: [] }],
    })
  })
  await call(api.url, { method: 'POST', path: `/job/${uuid}/callbacks/redeliver`, headers: authorization })
  await eventually(async () => {
    expect(await get(api, `/job/${uuid}/callbacks`)).toMatchObject({
      callbacks: [
        { state: 'rejected', attempts: [{ status: 503 }, { status: 410 }] },
        { state: 'rejected', attempts: [{ status: null, error: expect.stringContaining('410') }] },
      ],
    })
  })
  expect(gone.received).toHaveLength(2)
})

test.each([
  ['no URL', { callback: 'receiver' }, 'callback'],
  ['another scheme', { callback: 'ftp://example.org/' }, 'callback'],
  ['a password', { callback: 'https://me:secret@example.org/' }, 'callback'],
  ['a metadata address', { callback: 'http://169.254.169.254/' }, 'callback'],
  ['a metadata address as IPv4-mapped IPv6', { callback: 'http://[::ffff:a9fe:a9fe]/' }, 'callback'],
  [
    'an unknown event',
    { callback: 'https://example.org/', callback_events: ['job.ended'] },
    'callback_events[0]',
  ],
  ['no event', { callback: 'https://example.org/', callback_events: [] }, 'callback_events'],
  ['events without a callback', { callback_events: ['job.failed'] }, 'callback'],
])('a deployment whose callback has %s is refused', async (_, fields, field) => {
  const answer = await call(open.url, deployJson({ job: 'slow', ...fields }))
  expect(answer.status).toBe(400)
  expect(answer.json()).toMatchObject({ errors: [{ field }] })
})

test('a callback is refused without CALLBACK_SECRETS, and the problem names the setting', async () => {
  const unsigned = await startApi(jobs)
  const answer = await call(unsigned.url, deployJson({ job: 'quick', callback: receiver.url }))
  expect(answer.status).toBe(400)
  expect(answer.body.toString()).toContain('CALLBACK_SECRETS')
  await unsigned.close()
})

test('a replay adds no callback, and a request with another callback and the same key is refused', async () => {
  const headers = { ...authorization, 'idempotency-key': 'callback-once', 'content-type': 'application/json' }
  const post = (request: object) =>
    call(api.url, { method: 'POST', path: '/job/deploy', headers, body: JSON.stringify(request) })
  const answer = await post({ job: 'quick' })
  const uuid = (answer.json() as { job_uuid: string }).job_uuid
  expect((await post({ job: 'quick' })).status).toBe(201)
  expect((await post({ job: 'quick', callback: receiver.url })).status).toBe(422)
  await call(api.url, { path: `/job/${uuid}?wait=50`, headers: authorization })
  expect(await get(api, `/job/${uuid}/callbacks`)).toEqual({ job_uuid: uuid, callbacks: [] })
})

test.each(['/callbacks', '/callbacks/redeliver'])('%s of an unknown job is 404', async (path) => {
  const method = path === '/callbacks' ? 'GET' : 'POST'
  const unknown = `/job/00000000-0000-4000-8000-000000000000${path}`
  expect((await call(open.url, { method, path: unknown })).status).toBe(404)
})

async function deploy(to: RunningApi, request: object): Promise<string> {
  const given = deployJson(request)
  const answer = await call(to.url, { ...given, headers: { ...given.headers, ...authorization } })
  expect(answer.status).toBe(201)
  return (answer.json() as { job_uuid: string }).job_uuid
}

async function get(from: RunningApi, path: string): Promise<unknown> {
  return (await call(from.url, { path, headers: authorization })).json()
}

function callbacksOf(uuid: string): Received[] {
  return receiver.received.filter(({ body }) => body.includes(uuid))
}

async function callbackOf(uuid: string): Promise<Received> {
  return await eventually(
    () => {
      const [first] = callbacksOf(uuid)
      if (!first) throw new Error(`no callback of ${uuid} yet`)
      checkCallback(first.body)
      return first
    },
    { within: 20_000 },
  )
}

function whsec(letter: string): string {
  return `whsec_${Buffer.alloc(32, letter).toString('base64')}`
}
