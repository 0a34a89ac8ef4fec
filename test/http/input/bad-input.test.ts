import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'
import { badCalls, endedJob } from './bad-calls.ts'
import { type BadCall, badBodies, badQueries } from './bad-deploys.ts'
import { badForms } from './bad-forms.ts'

interface Problem {
  type: string
  title: string
  status: number
  detail: string
  errors: { field: string; problem: string; expected: string }[]
}

const greeting = 'command: ["sh", "-c", "echo hello > $RESULT_DIRECTORY/hello.txt"]'
let api: RunningApi
let job: string
let before: { jobs: unknown; stored: string[] }

beforeAll(async () => {
  api = await startApi({ default: greeting }, { INPUT_MAX_BYTES: '1000000' })
  const deployed = (await call(api.url, { path: '/job/deploy' })).json() as { job_uuid: string }
  job = deployed.job_uuid
  await untilQuiet()
  before = await everything()
})

afterAll(() => api?.close())

describe.each([
  ['GET /job/deploy', badQueries],
  ['POST /job/deploy with JSON', badBodies],
  ['POST /job/deploy with a form', badForms],
  ['calls to other routes', badCalls],
])('%s', (_, cases) => {
  test.each(cases)('$title: $status', async (bad) => {
    await expectRefusal(bad)
  })
})

test('all the refused calls together create nothing and delete nothing', async () => {
  expect(await everything()).toEqual(before)
})

async function expectRefusal({ call: given, status, field }: BadCall): Promise<void> {
  const answer = await call(api.url, { ...given, path: given.path?.replaceAll(endedJob, job) ?? '/' })
  expect(answer.status, answer.body.toString().slice(0, 500)).toBe(status)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  if (status === 405) expect(answer.headers.allow).toMatch(/^[A-Z]+(?:, [A-Z]+)*$/)
  if (given.method === 'HEAD') return
  const problem = answer.json() as Problem
  expect(problem).toEqual({
    type: expect.stringMatching(/^urn:jobferry:error:[a-z-]+$/),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    errors: expect.any(Array),
  })
  if (field !== undefined) expect(problem.errors.map((error) => error.field)).toContain(field)
}

async function everything() {
  const [jobs, environments] = await Promise.all(
    ['/job', '/resource/env'].map((path) => call(api.url, { path })),
  )
  const stored = (await api.stored()).sort()
  return { jobs: jobs?.json(), environments: environments?.json(), stored }
}

/** Resolves once the job has succeeded and its archiving changes nothing for 500 ms. */
async function untilQuiet(): Promise<void> {
  for (let last = ''; ; ) {
    await sleep(500)
    const now = JSON.stringify(await everything())
    if (now === last && now.includes('"succeeded"')) return
    last = now
  }
}
