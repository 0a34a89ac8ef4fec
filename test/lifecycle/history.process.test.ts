import { mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { call, deployJson } from '../http/client.ts'
import { startApiProcess } from '../support/api/api-process.ts'
import { endJobs } from '../support/end-jobs.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'
import { eventually } from '../support/time/eventually.ts'

const patience = { within: 60_000 }

it('the history and usage of two steps with a retry are those of before after a kill of the API', async () => {
  const folder = temporaryFolder()
  const [data, again, go] = [join(folder, 'data'), join(folder, 'again'), join(folder, 'go')]
  mkdirSync(join(folder, 'jobs'))
  onTestFinished(() => endJobs(data))
  const environment = {
    ...{ DATA_DIRECTORY: data, JOBS_DIRECTORY: join(folder, 'jobs') },
    ...{ LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1' },
  }
  const stage = `i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo 12345 >"$RESULT_DIRECTORY/data"`
  const compute = `if [ ! -e ${again} ]; then touch ${again}; exit 3; fi; until [ -e ${go} ]; do sleep 0.1; done`
  const program = (name: string, script: string) => ({ name, command: ['sh', '-c', script] })
  const steps = [program('stage', stage), program('compute', compute)]
  const first = await startApiProcess(environment)
  onTestFinished(() => first.kill())
  const answer = await call(first.url, deployJson({ steps, retries: 1 }))
  const { job_uuid: id } = answer.json() as { job_uuid: string }
  const jobOf = async (url: string, query = '') =>
    (await call(url, { path: `/job/${id}${query}` })).json() as Job
  const before = await eventually(async () => {
    const job = await jobOf(first.url)
    expect(job).toMatchObject({
      state: 'running',
      message: 'step `compute` (2 of 2)',
      attempt: { number: 2 },
    })
    return job
  }, patience)
  const told = (job: Job) =>
    job.history?.map(({ state, attempt, reason, step }) => [state, attempt, reason, step])
  const ofAttempt = (number: number) => [
    ['preparing', number, null, undefined],
    ['running', number, null, 'stage'],
    ['running', number, null, 'compute'],
  ]
  expect(told(before)).toEqual([
    ['queued', null, null, undefined],
    ...ofAttempt(1),
    ['storing', 1, null, undefined],
    ['queued', 1, 'Error', undefined],
    ...ofAttempt(2),
  ])
  expect(before.usage).toMatchObject({ node: hostname(), pulling_seconds: null, input_bytes: null })
  await first.kill()

  const second = await startApiProcess(environment)
  onTestFinished(() => second.kill())
  const after = await jobOf(second.url)
  expect([after.history, after.usage]).toEqual([before.history, before.usage])
  await writeFile(go, '')
  const ended = await jobOf(second.url, '?wait=50')
  expect(ended).toMatchObject({ state: 'succeeded', message: '1 entry, 6 bytes stored' })
  expect(ended.history?.slice(0, -2)).toEqual(before.history)
  expect(
    told(ended)
      ?.slice(-2)
      .map(([state]) => state),
  ).toEqual(['storing', 'succeeded'])
  const times = ended.history?.map(({ time }) => time) ?? []
  expect(times.toSorted()).toEqual(times)
  expect(ended.usage).toMatchObject({ input_bytes: 0, output_bytes: 6, images: null })
  expect(ended.usage?.cpu_seconds).toBeGreaterThan(0)
  expect(ended.usage?.peak_memory_bytes).toBeGreaterThan(100_000)
  const { jobs } = (await call(second.url, { path: '/job' })).json() as { jobs: Job[] }
  expect(jobs[0]).not.toHaveProperty('history')
  await second.kill()

  const third = await startApiProcess(environment)
  onTestFinished(() => third.kill())
  const recorded = await jobOf(third.url, '?wait=50')
  expect([recorded.history, recorded.usage]).toEqual([ended.history, ended.usage])
}, 180_000)
