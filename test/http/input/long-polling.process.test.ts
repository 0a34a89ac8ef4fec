import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest'
import { preferredWait } from '../../../src/http/input/wait.ts'
import { type Answer, call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const jobs = {
  quick: 'command: ["sh", "-c", "sleep 1; echo done > $RESULT_DIRECTORY/file"]',
  long: 'command: ["sleep", "60"]\nstop_grace_seconds: 1',
}

let api: RunningApi
beforeAll(async () => {
  api = await startApi(jobs)
})
afterAll(() => api.close())
// The embedded backend runs few jobs at once: a job left over would hold its slot.
afterEach(async () => {
  const { jobs } = (await call(api.url, { path: '/job' })).json() as { jobs: { job_uuid: string }[] }
  for (const { job_uuid } of jobs) await call(api.url, { method: 'DELETE', path: `/job/${job_uuid}` })
})

async function timed(path: string, headers: Record<string, string> = {}): Promise<[Answer, number]> {
  const start = Date.now()
  const answer = await call(api.url, { path, headers })
  return [answer, (Date.now() - start) / 1000]
}

async function deploy(job: string): Promise<string> {
  const { job_uuid } = (await call(api.url, { path: `/job/deploy?job=${job}` })).json() as {
    job_uuid: string
  }
  return job_uuid
}

const asParameter = (seconds: number) => [`?wait=${seconds}`, {}] as const
const asPreference = (seconds: number) => ['', { prefer: `respond-async, wait=${seconds}` }] as const

describe.each([
  ['parameter', asParameter],
  ['preference', asPreference],
])('a wait given as a %s', (how, by) => {
  it('answers as soon as the job is final', async () => {
    const [query, headers] = by(40)
    const [answer, seconds] = await timed(`/job/${await deploy('quick')}${query}`, headers)
    expect(answer.json()).toMatchObject({ state: 'succeeded' })
    expect(seconds).toBeLessThan(30)
    expect(answer.headers['preference-applied']).toBe(how === 'preference' ? 'wait=40' : undefined)
  })

  it('answers with the unfinished job when the wait is over', async () => {
    const [query, headers] = by(2)
    const [answer, seconds] = await timed(`/job/${await deploy('long')}${query}`, headers)
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({ finished_at: null })
    expect(seconds).toBeGreaterThanOrEqual(1.9)
  })
})

test('never waits longer than WAIT_MAX_SECONDS', async () => {
  const impatient = await startApi(jobs, { WAIT_MAX_SECONDS: '2' })
  onTestFinished(() => impatient.close())
  const deployed = await call(impatient.url, { path: '/job/deploy?job=long' })
  const { job_uuid: uuid } = deployed.json() as { job_uuid: string }
  const start = Date.now()
  const asked = await call(impatient.url, { path: `/job/${uuid}?wait=3600` })
  expect(asked.json()).toMatchObject({ finished_at: null })
  expect(Date.now() - start).toBeLessThan(15_000)
  const preferred = await call(impatient.url, { path: `/job/${uuid}`, headers: { prefer: 'wait=3600' } })
  expect(preferred.headers['preference-applied']).toBe('wait=2')
})

test('a waiting request for a result is answered once the result is complete', async () => {
  const uuid = await deploy('quick')
  const [file, list] = await Promise.all([
    timed(`/job/${uuid}/result?file=file&wait=40`),
    timed(`/job/${uuid}/result/list?wait=40`),
  ])
  expect(file[0].body.toString()).toBe('done\n')
  const sha256 = createHash('sha256').update('done\n').digest('hex')
  expect(list[0].json()).toMatchObject({ count: 1, files: [{ path: 'file', sha256 }] })
})

test('a result still missing when the wait is over is 409 with Retry-After', async () => {
  const [answer, seconds] = await timed(`/job/${await deploy('long')}/result?wait=1`)
  expect(answer.status).toBe(409)
  expect(answer.headers['retry-after']).toMatch(/^\d+$/)
  expect(seconds).toBeGreaterThanOrEqual(0.9)
})

test('a waiting deployment answers with the job as it is after the wait', async () => {
  const [quick] = await timed('/job/deploy?job=quick&wait=40')
  expect(quick.status).toBe(200)
  expect(quick.json()).toMatchObject({ status: 'job deployed', state: 'succeeded' })
  const body = JSON.stringify({ job: 'long' })
  const headers = { 'content-type': 'application/json', prefer: 'wait=1' }
  const long = await call(api.url, { method: 'POST', path: '/job/deploy', headers, body })
  expect(long.status).toBe(201)
  expect(long.headers['preference-applied']).toBe('wait=1')
  expect(long.json()).toMatchObject({
    status: 'job deployed',
    finished_at: null,
    links: { self: long.headers.location },
  })
})

test.each([
  ['/job/deploy?job=quick&wait=soon', 'wait'],
  ['/job/deploy?job=quick&wait=1&wait=2', 'wait'],
  ['/job/00000000-0000-4000-8000-000000000000?wait=-1', 'wait'],
  ['/job/00000000-0000-4000-8000-000000000000/result?wait=1.5', 'wait'],
])('%s is refused, and the problem names %s', async (path, field) => {
  const before = (await call(api.url, { path: '/job' })).json()
  const answer = await call(api.url, { path })
  expect(answer.status).toBe(400)
  expect(answer.json()).toMatchObject({ errors: [{ field }] })
  expect((await call(api.url, { path: '/job' })).json()).toEqual(before)
})

test('a waiting request for an unknown job is 404 at once', async () => {
  const [answer, seconds] = await timed('/job/00000000-0000-4000-8000-000000000000?wait=40')
  expect(answer.status).toBe(404)
  expect(seconds).toBeLessThan(20)
})

test('deleting a job ends the requests that wait for it with 404', async () => {
  const uuid = await deploy('long')
  const waiting = timed(`/job/${uuid}?wait=40`)
  await sleep(200)
  await call(api.url, { method: 'DELETE', path: `/job/${uuid}` })
  const [answer, seconds] = await waiting
  expect(answer.status).toBe(404)
  expect(seconds).toBeLessThan(30)
})

test.each([
  [undefined, undefined],
  ['wait=5', 5],
  ['respond-async, wait=5', 5],
  ['handling=lenient; wait=5', undefined],
  ['Wait="7"', 7],
  ['wait=5; foo=bar', 5],
  ['wait=-5', undefined],
  ['await=5', undefined],
  ['wait=soon', undefined],
])('the preference %j means a wait of %j seconds', (header, seconds) => {
  expect(preferredWait(header)).toBe(seconds)
})
