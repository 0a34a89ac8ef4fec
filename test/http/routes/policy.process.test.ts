import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Call, call, deployForm, deployJson } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const policy = `
labels: none
maximum: {timeout_seconds: 100, retries: 2, keep_seconds: 7200}
default: {timeout_seconds: 30}
live_jobs_per_token: 2
`
const jobs = {
  default: 'command: ["true"]\ntimeout_seconds: 500\nlabels: {app: own}',
  slow: 'command: ["sleep", "600"]\nstop_grace_seconds: 1',
}
const tokens = ['alice', 'bob', 'carol'].map(
  (name) => `${name}:${createHash('sha256').update(name).digest('hex')}`,
)
let api: RunningApi
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'policy-'))
  await writeFile(join(folder, 'policy.yaml'), policy)
  api = await startApi(jobs, { POLICY_FILE: join(folder, 'policy.yaml'), API_TOKENS: tokens.join('\n') })
})
afterAll(async () => {
  await api?.close()
  await rm(folder, { recursive: true })
})

function ask(given: Call, token = 'alice', headers: Record<string, string> = {}): Promise<Answer> {
  const all = { authorization: `Bearer ${token}`, ...given.headers, ...headers }
  return call(api.url, { ...given, headers: all })
}

const idOf = (answer: Answer) => (answer.json() as { job_uuid: string }).job_uuid

async function remove(uuid: string, token?: string): Promise<void> {
  expect((await ask({ method: 'DELETE', path: `/job/${uuid}` }, token)).status).toBe(204)
}

describe('a policy refuses with 403, naming field, right value and policy,', () => {
  const timeout = { job: 'default', timeout_seconds: 101 }
  const refused = [
    {
      field: 'timeout_seconds',
      problem: "is more than the operator's policy allows",
      expected: 'at most 100',
    },
  ]

  test.each<[title: string, given: Call]>([
    ['a POST of JSON', deployJson(timeout)],
    ['a GET', { path: '/job/deploy?timeout_seconds=101' }],
    ['a form', deployForm({ name: 'request', content: JSON.stringify(timeout) })],
    [
      'a form with inputs first',
      deployForm(
        { name: 'input', filename: 'a', content: 'x' },
        { name: 'request', content: JSON.stringify(timeout) },
      ),
    ],
  ])('%s', async (_, given) => {
    const answer = await ask(given)
    expect(answer.status).toBe(403)
    expect(answer.json()).toMatchObject({ type: 'urn:jobferry:error:forbidden', errors: refused })
    expect((answer.json() as { detail: string }).detail).toContain('timeout_seconds')
    expect(await api.stored()).toEqual([])
  })

  test('labels of the caller, but not those of the configured job', async () => {
    const answer = await ask(deployJson({ job: 'default', labels: { app: 'own', more: '1' } }))
    expect(answer.json()).toMatchObject({ status: 403, errors: [{ field: 'labels.more' }] })
    const own = await ask(deployJson({ job: 'default', labels: { app: 'own' } }))
    expect(own.status).toBe(201)
    expect(await untilFinalOf(idOf(own))).toMatchObject({ state: 'succeeded' })
    await remove(idOf(own))
  })
})

test('live jobs of a token have a limit, which a repeated request does not meet', async () => {
  const key = { 'idempotency-key': 'second' }
  const first = await ask(deployJson({ job: 'slow' }))
  const [second, again, third] = await Promise.all([
    ask(deployJson({ job: 'slow' }), 'alice', key),
    ask(deployJson({ job: 'slow' }), 'alice', key),
    ask(deployJson({ job: 'slow' }), 'bob'),
  ])
  expect([first, second, again, third].map(({ status }) => status)).toEqual([201, 201, 201, 201])
  expect(idOf(again)).toBe(idOf(second))

  const refused = await ask(deployJson({ job: 'slow' }))
  expect(refused.status).toBe(429)
  expect(refused.headers['retry-after']).toBe('10')
  expect(refused.json()).toMatchObject({
    type: 'urn:jobferry:error:too-many-jobs',
    detail: expect.stringMatching(/2 jobs of the token alice .*live_jobs_per_token/),
  })
  expect((await ask(deployJson({ job: 'slow' }), 'alice', key)).status).toBe(201)
  expect((await ask({ path: '/limits' })).json()).toMatchObject({ live_jobs: { now: 2, maximum: 2 } })

  await remove(idOf(first))
  const freed = await untilAccepted()
  for (const uuid of [idOf(second), freed]) await remove(uuid)
  await remove(idOf(third), 'bob')
})

test('of requests at the same moment only as many as the limit allows are accepted', async () => {
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => ask(deployJson({ job: 'slow' }), 'carol')),
  )
  const made = answers.filter(({ status }) => status === 201)
  expect(made).toHaveLength(2)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(4)
  for (const one of made) await remove(idOf(one), 'carol')
})

test('GET /limits says what holds for the caller', async () => {
  expect((await ask({ path: '/limits' }, 'bob')).json()).toMatchObject({
    caller: 'bob',
    policy: true,
    allowed: { labels: [], images: 'all' },
    maximum: { timeout_seconds: 100, retries: 2, keep_seconds: 7200 },
    default: { timeout_seconds: 30 },
    live_jobs: { maximum: 2 },
  })
  expect((await call(api.url, { path: '/limits' })).status).toBe(401)
  expect((await ask({ path: '/limits?x=1' })).status).toBe(400)
})

test('without a policy GET /limits says that everything is allowed', async () => {
  const open = await startApi(jobs)
  try {
    expect((await call(open.url, { path: '/limits' })).json()).toMatchObject({
      caller: null,
      policy: false,
      allowed: { images: 'all', service_accounts: 'all', labels: 'all', claims: 'all', root: true },
      maximum: {},
      live_jobs: { now: 0, maximum: null },
      refused_fields: ['command', 'args', 'steps'],
    })
  } finally {
    await open.close()
  }
})

async function untilFinalOf(uuid: string) {
  const answer = await ask({ path: `/job/${uuid}?wait=50` })
  return answer.json()
}

/** A removed job is live until its processes have ended. */
async function untilAccepted(): Promise<string> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const answer = await ask(deployJson({ job: 'slow' }))
    if (answer.status === 201) return idOf(answer)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the removed job still counts')
}
