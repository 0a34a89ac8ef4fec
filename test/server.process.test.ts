import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../src/job/job.ts'
import { type Embedded, startEmbedded } from './support/api/embedded.ts'
import { getJson, postJson, waitForFinal } from './support/api/http.ts'

const shell = (script: string) => `command: [sh, -c, ${JSON.stringify(script)}]\n`

const jobs = {
  default: `${shell('echo hello > $RESULT_DIRECTORY/hello.txt; echo said')}demo_file: hello.txt\n`,
  failing: shell('echo half > $RESULT_DIRECTORY/half.txt; exit 3'),
  endless: shell('echo begun > $RESULT_DIRECTORY/begun.txt; echo said; sleep 600'),
  stubborn: shell(
    'trap "" TERM; echo begun > $RESULT_DIRECTORY/begun.txt; echo said; while :; do sleep 1; done',
  ),
  copy: shell('cp $INPUT_DIRECTORY/* $RESULT_DIRECTORY/'),
}

describe('the API on the embedded default', () => {
  let api: Embedded
  beforeAll(async () => {
    api = await startEmbedded(jobs)
  })
  afterAll(() => api.remove())

  it('deploys a job, lists its results and streams one of its files', async () => {
    const deployed = await getJson<{ status: string; job_uuid: string }>(`${api.url}/job/deploy`)
    expect(deployed.status).toBe('job deployed')
    const job = await waitForFinal(api.url, deployed.job_uuid)
    expect(job).toMatchObject({
      job: 'default',
      state: 'succeeded',
      exit_code: 0,
      result: { state: 'complete', count: 1, bytes: 6 },
    })

    const list = await getJson<{ files: { path: string; sha256: string }[] }>(
      `${api.url}/job/${job.job_uuid}/result/list`,
    )
    const sha256 = createHash('sha256').update('hello\n').digest('hex')
    expect(list.files).toMatchObject([{ path: 'hello.txt', type: 'file', size: 6, sha256 }])

    const file = await fetch(`${api.url}/job/${job.job_uuid}/result?file=hello.txt`)
    expect(file.headers.get('etag')).toBe(`"${sha256}"`)
    expect(file.headers.get('jobferry-result-state')).toBe('complete')
    expect(await file.text()).toBe('hello\n')

    const log = await fetch(`${api.url}/job/${job.job_uuid}/log`)
    expect(log.headers.get('jobferry-log-beginning')).toBe('present')
    expect(await log.text()).toBe('said\n')
  })

  it('makes one job of six requests with one Idempotency-Key', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        postJson(`${api.url}/job/deploy`, { job: 'default' }, { 'Idempotency-Key': 'six' }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 201])
    expect(new Set(answers.map(({ body }) => body.job_uuid)).size).toBe(1)
    const other = await postJson(`${api.url}/job/deploy`, { job: 'failing' }, { 'Idempotency-Key': 'six' })
    expect(other.status).toBe(422)
  })

  it('shows the files of a failed job as a partial result', async () => {
    const { body } = await postJson(`${api.url}/job/deploy`, { job: 'failing' })
    const job = await waitForFinal(api.url, String(body.job_uuid))
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'Error',
      exit_code: 3,
      result: { state: 'partial' },
    })
    expect(await text(`${api.url}/job/${job.job_uuid}/result?file=half.txt`)).toBe('half\n')
  })

  it.each(['endless', 'stubborn'])('cancels the %s job and keeps its files', async (name) => {
    const { body } = await postJson(`${api.url}/job/deploy`, { job: name, stop_grace_seconds: 3 })
    const uuid = String(body.job_uuid)
    await untilRunning(api.url, uuid)
    await expect.poll(() => text(`${api.url}/job/${uuid}/log`)).toBe('said\n')
    expect((await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })).status).toBeLessThan(300)
    const job = await waitForFinal(api.url, uuid)
    expect(job).toMatchObject({
      state: 'canceled',
      reason: 'Canceled',
      result: { state: 'partial', count: 1 },
    })
    expect(await text(`${api.url}/job/${uuid}/result?file=begun.txt`)).toBe('begun\n')
  })

  it('removes all traces of a deleted job that runs', async () => {
    const { body } = await postJson(`${api.url}/job/deploy`, { job: 'endless' })
    const uuid = String(body.job_uuid)
    await untilRunning(api.url, uuid)
    expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    expect((await fetch(`${api.url}/job/${uuid}`)).status).toBe(404)
    await expect.poll(() => names(join(api.directory, 'local'))).not.toContain(uuid)
    await expect.poll(() => names(join(api.directory, 'store', 'jobs'))).not.toContain(uuid)
  })

  it('gives inputs to the job byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 256))
    const form = new FormData()
    form.set('request', JSON.stringify({ job: 'copy' }))
    form.set('input', new Blob([bytes]), 'drive recording #1.bag')
    const response = await fetch(`${api.url}/job/deploy`, { method: 'POST', body: form })
    expect(response.status).toBe(201)
    const { job_uuid } = (await response.json()) as { job_uuid: string }
    expect(await waitForFinal(api.url, job_uuid)).toMatchObject({ state: 'succeeded' })
    const file = await fetch(
      `${api.url}/job/${job_uuid}/result?file=${encodeURIComponent('drive recording #1.bag')}`,
    )
    expect(Buffer.from(await file.arrayBuffer()).equals(bytes)).toBe(true)
  })

  it('lists live and finished jobs newest first, page by page', async () => {
    const all = await getJson<{ jobs: Job[] }>(`${api.url}/job`)
    expect(all.jobs.length).toBeGreaterThan(3)
    const times = all.jobs.map((job) => job.created_at)
    expect(times).toEqual([...times].sort().reverse())
    const paged: Job[] = []
    for (let next: string | null = '/job?limit=2'; next; ) {
      const page: { jobs: Job[]; next: string | null } = await getJson(new URL(next, api.url).href)
      paged.push(...page.jobs)
      next = page.next
    }
    expect(paged.map((job) => job.job_uuid)).toEqual(all.jobs.map((job) => job.job_uuid))
  })

  it('answers the demo with the file of the default job', async () => {
    expect(await text(`${api.url}/demo`)).toBe('hello\n')
  })
})

async function text(url: string): Promise<string> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  return response.text()
}

async function untilRunning(url: string, uuid: string): Promise<void> {
  await expect.poll(async () => (await getJson<Job>(`${url}/job/${uuid}`)).state).toBe('running')
}

async function names(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => [])
}
