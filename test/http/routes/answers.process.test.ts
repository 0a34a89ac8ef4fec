import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobLinks } from '../../../src/job/links.ts'
import { type Answer, type Call, call, deployForm, deployJson, form } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'
import { untilFinal } from '../until-final.ts'

const jobs = {
  default: 'command: ["sh", "-c", "echo hello > $RESULT_DIRECTORY/hello.txt; echo said"]',
  copy: 'command: ["sh", "-c", "cp $INPUT_DIRECTORY/* $RESULT_DIRECTORY/; printenv GREETING > $RESULT_DIRECTORY/env"]\nenv: {GREETING: none}',
  slow: 'command: ["sleep", "600"]\nstop_grace_seconds: 1',
}
const uuid = expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
let api: RunningApi

beforeAll(async () => {
  api = await startApi(jobs)
})
afterAll(() => api?.close())

const ask = (given: Call): Promise<Answer> => call(api.url, given)
const idOf = (answer: Answer) => (answer.json() as { job_uuid: string }).job_uuid

describe('deploying', () => {
  test('a GET answers 200 with relative links and is never stored', async () => {
    const answer = await ask({ path: '/job/deploy' })
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toEqual({
      status: 'job deployed',
      job_uuid: uuid,
      links: jobLinks(idOf(answer)),
    })
  })

  test('a POST answers 201 with Location', async () => {
    const answer = await ask(deployJson({ job: 'default' }))
    expect(answer.status).toBe(201)
    expect(answer.headers.location).toBe(`/job/${idOf(answer)}`)
  })

  test('a form carries inputs and variables, its parts in any order', async () => {
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, n) => n % 251))
    const deployed = await ask(
      deployForm(
        { name: 'input', filename: 'drive 1 ü.bag', content },
        { name: 'env_file', filename: '.env', content: 'GREETING=from file' },
        { name: 'input', filename: 'second%20one', content: '2' },
        { name: 'input', filename: 'a%22quote', content: '3' },
        { name: 'request', content: '{"job": "copy"}' },
      ),
    )
    expect(deployed.status, deployed.body.toString()).toBe(201)
    const id = idOf(deployed)
    expect(await untilFinal(api.url, id)).toMatchObject({ state: 'succeeded', result: { count: 4 } })
    const file = (name: string) => ask({ path: `/job/${id}/result?file=${encodeURIComponent(name)}` })
    expect((await file('drive 1 ü.bag')).body).toEqual(content)
    expect((await file('second%20one')).body.toString()).toBe('2')
    // Clients percent-encode only the quotation mark of a file name.
    expect((await file('a"quote')).body.toString()).toBe('3')
    expect((await file('env')).body.toString()).toBe('from file\n')
  })

  test('six concurrent calls with one Idempotency-Key create one job', async () => {
    const headers = { 'idempotency-key': 'one-for-six' }
    const six = await Promise.all(Array.from({ length: 6 }, () => ask({ path: '/job/deploy', headers })))
    expect(new Set(six.map(idOf)).size).toBe(1)
    const other = await ask({ path: '/job/deploy?retries=1', headers })
    expect(other.status).toBe(422)
    expect(other.json()).toMatchObject({ type: 'urn:jobferry:error:idempotency-key-reused' })
  })
})

describe('jobs', () => {
  test('are listed newest first, in pages that link to the next one', async () => {
    await Promise.all([ask({ path: '/job/deploy' }), ask({ path: '/job/deploy' })])
    const all = (await ask({ path: '/job' })).json() as { jobs: { job_uuid: string }[]; next: null }
    expect(all.next).toBeNull()
    const found: string[] = []
    for (let path: string | null = '/job?limit=1'; path; ) {
      const page = (await ask({ path })).json() as { jobs: { job_uuid: string }[]; next: string | null }
      found.push(...page.jobs.map((job) => job.job_uuid))
      path = page.next
    }
    expect(found).toEqual(all.jobs.map((job) => job.job_uuid))
  })

  test('a job is canceled by POST, keeps its record, and is gone after DELETE', async () => {
    const id = idOf(await ask({ path: '/job/deploy?job=slow' }))
    await untilFinal(api.url, id, 'running')
    const canceled = await ask({ method: 'POST', path: `/job/${id}/cancel` })
    expect([200, 202]).toContain(canceled.status)
    expect(canceled.json()).toMatchObject({ job_uuid: id, links: { self: `/job/${id}` } })
    expect(await untilFinal(api.url, id)).toMatchObject({ state: 'canceled', reason: 'Canceled' })
    expect((await ask({ method: 'DELETE', path: `/job/${id}` })).status).toBe(204)
    expect((await ask({ path: `/job/${id}` })).status).toBe(404)
    expect((await ask({ method: 'DELETE', path: `/job/${id}` })).status).toBe(204)
  })

  test('a log is served as plain text', async () => {
    const id = idOf(await ask({ path: '/job/deploy' }))
    const followed = await ask({ path: `/job/${id}/log?follow=true` })
    expect(followed.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(followed.body.toString()).toBe('said\n')
    await untilFinal(api.url, id)
    const archived = await ask({ path: `/job/${id}/log` })
    expect(archived.body.toString()).toBe('said\n')
    expect(archived.headers['jobferry-log-beginning']).toBe('present')
    expect((await ask({ path: `/job/${id}/log?tail=0` })).body.toString()).toBe('')
  })
})

test('environments are stored, listed with the names of their variables but no values, and deleted', async () => {
  const content = 'A=1\nB=s3cret'
  const post = { method: 'POST', path: '/resource/env?secret=true' }
  const created = await ask({ ...post, ...form({ name: 'env_file', filename: '.env', content }) })
  const { id } = created.json() as { id: string }
  const info = { id, secret: true, names: ['A', 'B'], created_at: expect.any(String) }
  expect(created.status).toBe(201)
  expect(created.headers.location).toBe(`/resource/env/${id}`)
  expect(created.json()).toMatchObject(info)
  const text = { headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'C=3' }
  const plain = (await ask({ method: 'POST', path: '/resource/env', ...text })).json() as { id: string }

  const listed = await ask({ path: '/resource/env' })
  expect(listed.body.toString()).not.toContain('s3cret')
  const environments = [info, { id: plain.id, secret: false, names: ['C'] }]
  expect(listed.json()).toMatchObject({
    environments: expect.arrayContaining(environments.map((e) => expect.objectContaining(e))),
  })

  for (const gone of [id, plain.id, id]) {
    expect((await ask({ method: 'DELETE', path: `/resource/env/${gone}` })).status).toBe(204)
  }
  expect((await ask({ path: '/resource/env' })).json()).toMatchObject({ environments: [] })
})

test('/health reports the service, and /metrics counts jobs, bytes, errors and requests', async () => {
  expect((await ask({ path: '/health/live' })).json()).toEqual({ status: 'live' })
  expect((await ask({ path: '/health/ready' })).json()).toEqual({ status: 'ready', missing: [] })
  expect((await ask({ path: '/health' })).json()).toMatchObject({ status: 'ok', finishes_jobs: true })
  await ask({ path: '/nothing' })
  const { body } = await ask({ path: '/metrics' })
  const metrics = body.toString()
  expect(metrics).toMatch(/^jobferry_jobs\{state="running"\} \d+$/m)
  expect(metrics).toMatch(/^jobferry_deploys_total [1-9]/m)
  expect(metrics).toMatch(/^jobferry_upload_bytes_total [1-9]/m)
  expect(metrics).toMatch(/^jobferry_download_bytes_total\{kind="file"\} [1-9]/m)
  expect(metrics).toMatch(/^jobferry_errors_total\{code="not-found"\} [1-9]/m)
  expect(metrics).toMatch(
    /^jobferry_http_request_duration_seconds_count\{method="GET",route="\/job\/:id",status="200"\} [1-9]/m,
  )
})
