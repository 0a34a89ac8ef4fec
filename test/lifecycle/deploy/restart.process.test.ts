import { randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { type Answer, call, deployJson } from '../../http/client.ts'
import { type RunningApi, startApi } from '../../http/running.ts'

let api: RunningApi
beforeAll(async () => {
  api = await startApi({}, { LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1' })
})
afterAll(() => api?.close())

const raw = randomBytes(200_000).toString('base64')
/** The second step fails without REPAIRED; the third one's first attempt changes what was restored, and fails. */
const request = {
  env: { REPAIRED: '' },
  retries: 0,
  inputs: [{ content: raw, to: 'raw' }],
  steps: [
    step('stage', 'cp "$INPUT_DIRECTORY/raw" . && mkdir empty && ln -s raw link && echo staging', {
      SECRET: 'x',
    }),
    step('compute', 'echo "part $REPAIRED" >>parts; [ -n "$REPAIRED" ]'),
    step(
      'organize',
      '[ -n "$AGAIN" ] && ! grep -q spoilt raw && { echo spoilt >>raw; exit 3; }; cat raw parts >all; ls "$SCRATCH_DIRECTORY" >>all',
    ),
  ],
}

it('a failed job goes on at its failed step with the files it had stored, byte for byte, and so does that one', async () => {
  const failed = await finished(await call(api.url, deployJson(request)))
  expect(failed).toMatchObject({ state: 'failed', result: { state: 'partial' } })
  expect(statesOf(failed)).toEqual(['stage succeeded', 'compute failed', 'organize skipped'])
  const made = await rerun(failed, 'failed', { env: { REPAIRED: 'yes' } })
  expect(made.json()).toMatchObject({ rerun_of: failed.job_uuid, restarted_from: 'compute' })
  const job = await finished(made)
  expect(job).toMatchObject({ state: 'succeeded', rerun_of: failed.job_uuid, restarted_from: 'compute' })
  expect(statesOf(job)).toEqual(['stage reused', 'compute succeeded', 'organize succeeded'])
  expect(await fileOf(job, 'raw')).toBe(raw)
  expect(await fileOf(job, 'all')).toBe(`${raw}part \npart yes\n`)
  expect((await get(`/job/${job.job_uuid}/result/list`)).json()).toMatchObject({
    files: expect.arrayContaining([
      expect.objectContaining({ path: 'empty', type: 'directory' }),
      expect.objectContaining({ path: 'link', type: 'symlink', target: 'raw' }),
    ]),
  })
  const log = await get(`/job/${job.job_uuid}/log?step=stage`)
  expect([log.status, String(log.body)]).toEqual([404, expect.stringContaining(`job ${failed.job_uuid}`)])
  // Its own copies: the first job may go. Each attempt begins with what was restored.
  await call(api.url, { method: 'DELETE', path: `/job/${failed.job_uuid}` })
  const env = { REPAIRED: 'x', AGAIN: 'yes' }
  const again = await finished(await rerun(job, 'organize', { env, retries: 1 }))
  expect(again).toMatchObject({ state: 'failed', restarted_from: 'organize', attempt: { number: 2 } })
  expect(statesOf(again)).toEqual(['stage reused', 'compute reused', 'organize failed'])
  expect(await fileOf(again, 'raw')).toBe(`${raw}spoilt\n`)
  expect(await fileOf(again, 'all')).toBe(`${raw}part \npart yes\n`)
})

it('a job without steps runs again with the files that it had left', async () => {
  const command = [
    'sh',
    '-c',
    'cd "$RESULT_DIRECTORY"; cat count; echo once >>count; [ "$(wc -l <count)" = 2 ]',
  ]
  const failed = await finished(await call(api.url, deployJson({ command })))
  expect(failed.state).toBe('failed')
  const job = await finished(await rerun(failed, 'failed'))
  expect(job).toMatchObject({ state: 'succeeded', restarted_from: null })
  expect(await fileOf(job, 'count')).toBe('once\nonce\n')
  expect((await rerun(failed, 'stage')).json()).toMatchObject({ status: 400, errors: [{ field: 'from' }] })
  expect((await rerun(job, 'failed')).json()).toMatchObject({
    status: 409,
    type: 'urn:jobferry:error:restart-impossible',
  })
})

it('a result of which other bytes lie in the store fails the job, and no step runs', async () => {
  const failed = await finished(await call(api.url, deployJson(request)))
  const stored = (await api.stored()).filter(
    (path) => path.includes(`${failed.job_uuid}/`) && path.includes('/files/'),
  )
  for (const path of stored) await writeFile(path, (await readFile(path)).fill('x'))
  const job = await finished(await rerun(failed, 'failed', { env: { REPAIRED: 'yes' } }))
  expect(job).toMatchObject({ state: 'failed', reason: 'InputUnavailable', started_at: null })
  expect(job.message).toContain(`the result of job ${failed.job_uuid}`)
  expect(statesOf(job)).toEqual(['stage reused', 'compute skipped', 'organize skipped'])
})

it('a repeated restart is the job that it made, also once the result before is gone', async () => {
  const failed = await finished(await call(api.url, deployJson(request)))
  const body = { env: { REPAIRED: 'yes' } }
  const key = { 'idempotency-key': `again-${failed.job_uuid}` }
  const made = await finished(await rerun(failed, 'failed', body, key))
  const stored = (await api.stored()).filter((path) => path.includes(`${failed.job_uuid}/`))
  for (const path of stored.filter((one) => one.includes('manifest'))) await rm(path)
  expect(await rerun(failed, 'failed', body)).toMatchObject({ status: 409 })
  for (const from of ['failed', 'compute']) {
    const again = await rerun(failed, from, body, key)
    expect(again.json()).toMatchObject({ job_uuid: made.job_uuid, restarted_from: 'compute' })
  }
  expect(await rerun(failed, 'organize', body, key)).toMatchObject({ status: 422 })
})

it('a step that is not there, that has not finished, or a changed one is refused', async () => {
  const failed = await finished(await call(api.url, deployJson(request)))
  const env = { REPAIRED: 'yes' }
  const [stage, ...others] = request.steps
  const changed = [{ ...stage, command: ['true'] }, ...others]
  const refused = async (from: string, body: object) => (await rerun(failed, from, body)).json()
  expect(await refused('organise', { env })).toMatchObject({
    ...{ status: 400, errors: [{ field: 'from', expected: expect.stringContaining('organize (one of') }] },
  })
  expect(await refused('organize', { env })).toMatchObject({
    status: 409,
    detail: expect.stringContaining('compute has not'),
  })
  expect(await refused('failed', { env, steps: changed })).toMatchObject({
    ...{ status: 400, errors: [{ field: 'steps[0].command' }] },
  })
  // The values of a step that is not run are not needed, those of the others are.
  expect(await refused('failed', {})).toMatchObject({ status: 409, errors: [{ field: 'env.REPAIRED' }] })
})

function step(name: string, script: string, env: Record<string, string> = {}) {
  return { name, command: ['sh', '-c', `cd "$RESULT_DIRECTORY" || exit 9; ${script}`], env }
}

const statesOf = ({ steps = [] }: Job) => steps.map(({ name, state }) => `${name} ${state}`)

async function finished(answer: Answer): Promise<Job> {
  if (answer.status !== 201) throw new Error(String(answer.body))
  const { job_uuid: uuid } = answer.json() as Job
  return (await get(`/job/${uuid}?wait=50`)).json() as Job
}

function rerun(
  { job_uuid: uuid }: Job,
  from: string,
  body: object = {},
  more: Record<string, string> = {},
): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...more }
  return call(api.url, {
    method: 'POST',
    path: `/job/${uuid}/rerun?from=${from}`,
    headers,
    body: JSON.stringify(body),
  })
}

function get(path: string): Promise<Answer> {
  return call(api.url, { path })
}

async function fileOf({ job_uuid: uuid }: Job, path: string): Promise<string> {
  const answer = await get(`/job/${uuid}/result?file=${encodeURIComponent(path)}`)
  expect(answer.status).toBe(200)
  return String(answer.body)
}
