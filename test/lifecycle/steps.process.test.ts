import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { call, deployJson } from '../http/client.ts'
import { type RunningApi, startApi } from '../http/running.ts'
import { untilFinal } from '../http/until-final.ts'
import { eventually } from '../support/time/eventually.ts'

let api: RunningApi

beforeAll(async () => {
  api = await startApi({}, { LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1' })
})
afterAll(() => api?.close())

type Fields = Record<string, unknown>

/** Deploys steps that each run a script. */
async function deploy(steps: readonly ({ name: string; script: string } & Fields)[], fields: Fields = {}) {
  const given = steps.map(({ script, ...step }) => ({ command: ['sh', '-c', script], ...step }))
  const answer = await call(api.url, deployJson({ steps: given, ...fields }))
  expect(answer.status, answer.body.toString()).toBe(201)
  return answer.json() as { job_uuid: string; ignored?: string[] }
}

async function ended(steps: Parameters<typeof deploy>[0], fields: Fields = {}) {
  const { job_uuid: uuid } = await deploy(steps, fields)
  return { uuid, job: (await untilFinal(api.url, uuid)) as unknown as Job }
}

const statesOf = ({ steps = [] }: Job) => steps.map(({ state, exit_code }) => `${state} ${exit_code}`)

async function textOf(path: string): Promise<string> {
  return (await call(api.url, { path })).body.toString()
}

async function untilRunning(uuid: string, name: string): Promise<void> {
  await eventually(
    async () => {
      const { steps = [] } = (await call(api.url, { path: `/job/${uuid}` })).json() as Job
      expect(steps.find((step) => step.name === name)?.state).toBe('running')
    },
    { within: 60_000, every: 50 },
  )
}

describe('steps that are child processes', { timeout: 120_000 }, () => {
  it('run one after the other with the same files, and their own variables and logs', async () => {
    const { uuid, job } = await ended(
      [
        {
          name: 'stage',
          script: 'echo $WHO >"$RESULT_DIRECTORY/a"; echo big >"$SCRATCH_DIRECTORY/b"; echo staging',
          env: { WHO: 'stage' },
        },
        {
          name: 'compute',
          script:
            'cat "$RESULT_DIRECTORY/a" "$SCRATCH_DIRECTORY/b" >"$RESULT_DIRECTORY/c"; echo $WHO computes',
        },
        { name: 'organize', script: 'rm "$RESULT_DIRECTORY/a"; echo end' },
      ],
      { env: { WHO: 'all' } },
    )
    expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, result: { state: 'complete', count: 1 } })
    expect(statesOf(job)).toEqual(['succeeded 0', 'succeeded 0', 'succeeded 0'])
    const times = (job.steps ?? []).flatMap(({ started_at, finished_at }) => [started_at, finished_at])
    expect(times).toEqual([...times].sort())
    expect([job.started_at, job.finished_at]).toEqual([times[0], times.at(-1)])
    expect(await textOf(`/job/${uuid}/result?file=c`)).toBe('stage\nbig\n')
    expect(await textOf(`/job/${uuid}/log?step=stage`)).toBe('staging\n')
    expect(await textOf(`/job/${uuid}/log?step=compute`)).toBe('all computes\n')
    expect(await textOf(`/job/${uuid}/log`)).toBe('end\n')
  })

  it('end the job where one fails, and keep what was there', async () => {
    const { uuid, job } = await ended([
      { name: 'good', script: 'echo good >"$RESULT_DIRECTORY/good"' },
      { name: 'bad', script: 'echo half >"$RESULT_DIRECTORY/half"; echo why >&2; exit 3' },
      { name: 'never', script: 'echo never >"$RESULT_DIRECTORY/never"' },
    ])
    expect(job).toMatchObject({
      ...{ state: 'failed', reason: 'Error', exit_code: 3, result: { state: 'partial', count: 2 } },
      message: expect.stringContaining('the step `bad` exited with code 3'),
    })
    expect(statesOf(job)).toEqual(['succeeded 0', 'failed 3', 'skipped null'])
    expect(await textOf(`/job/${uuid}/log`)).toBe('why\n')
  })

  it.each([
    [0, ['failed 127', 'skipped null'], 'missing'],
    [1, ['succeeded 0', 'failed 127'], 'partial'],
  ])('name a program that does not exist (step %d)', async (index, states, result) => {
    const steps = [0, 1].map((n) => ({
      name: `s${n}`,
      script: 'echo 1 >"$RESULT_DIRECTORY/1"',
      ...(n === index && { command: ['/no/such/program'] }),
    }))
    const { job } = await ended(steps)
    expect(job).toMatchObject({ state: 'failed', reason: 'Error', exit_code: 127, result: { state: result } })
    expect(job.message).toContain(`the step \`s${index}\` couldn't run`)
    expect(statesOf(job)).toEqual(states)
  })

  it('connect their streams with files, and go on after a failure that is ignored', async () => {
    const { uuid, job } = await ended([
      {
        ...{ name: 'write', stdout: 'd/out', stderr: 'd/err', ignore_error: true },
        script: 'echo out; echo err >&2; exit 4',
      },
      { name: 'read', script: 'cat; echo done', stdin: 'd/out', stdout: 'copy' },
    ])
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
    expect(statesOf(job)).toEqual(['failed 4', 'succeeded 0'])
    expect(await textOf(`/job/${uuid}/result?file=d%2Fout`)).toBe('out\n')
    expect(await textOf(`/job/${uuid}/result?file=d%2Ferr`)).toBe('err\n')
    expect(await textOf(`/job/${uuid}/result?file=copy`)).toBe('out\ndone\n')
    expect((await textOf(`/job/${uuid}/log?step=write`)).split('\n').sort()).toEqual(['', 'err', 'out'])
  })

  it('are all repeated with retries, with empty folders and logs of their own', async () => {
    const { uuid, job } = await ended(
      [
        { name: 'first', script: 'ls "$RESULT_DIRECTORY" "$SCRATCH_DIRECTORY" | grep -x x; echo begun' },
        { name: 'second', script: 'touch "$RESULT_DIRECTORY/x" "$SCRATCH_DIRECTORY/x"; exit 1' },
      ],
      { retries: 1 },
    )
    expect(job).toMatchObject({ state: 'failed', attempt: { number: 2 }, result: { count: 1 } })
    expect(await textOf(`/job/${uuid}/log?step=first`)).toBe('begun\n')
    expect(await textOf(`/job/${uuid}/log?step=first&attempt=1`)).toBe('begun\n')
  })

  it('are no success if they are canceled in the first one, which exits with 0', async () => {
    const script =
      'trap \'echo saved >"$RESULT_DIRECTORY/saved"; exit 0\' TERM; echo up; while :; do sleep 0.1; done'
    const { job_uuid: uuid } = await deploy([
      { name: 'first', script, stdout: 'log' },
      { name: 'second', script: 'echo never >"$RESULT_DIRECTORY/never"' },
    ])
    await untilRunning(uuid, 'first')
    await eventually(async () => expect(await textOf(`/job/${uuid}/log`)).toBe('up\n'), {
      within: 60_000,
      every: 50,
    })
    await call(api.url, { method: 'POST', path: `/job/${uuid}/cancel` })
    const job = (await untilFinal(api.url, uuid)) as unknown as Job
    expect(job).toMatchObject({ state: 'canceled', result: { state: 'partial', count: 2 } })
    expect(statesOf(job)).toEqual(['succeeded 0', 'skipped null'])
    expect(await textOf(`/job/${uuid}/result?file=saved`)).toBe('saved\n')
  })

  it('have time limits of their own, and the message names the step', async () => {
    const { job } = await ended([
      { name: 'quick', script: 'true', timeout_seconds: 60 },
      { name: 'slow', script: 'sleep 600', timeout_seconds: 1 },
      { name: 'last', script: 'true' },
    ])
    expect(job).toMatchObject({ state: 'failed', reason: 'TimeoutExceeded', result: { state: 'partial' } })
    expect(job.message).toContain('the step `slow` was still running 1 s after its start')
    expect(statesOf(job)).toEqual(['succeeded 0', 'failed 143', 'skipped null'])
  })

  it('have no images and no resources, which the answer lists', async () => {
    const { ignored } = await deploy([
      { name: 'a', script: 'true', image: 'x', memory: '1Gi', working_directory: '/app' },
      { name: 'b', script: 'true', gpu: 1 },
    ])
    expect(ignored).toEqual([
      'steps[0].image',
      'steps[0].memory',
      'steps[0].working_directory',
      'steps[1].gpu',
    ])
  })

  it.each([
    [[{ name: 'a' }], 'steps[0].command'],
    [[{ name: 'a', command: ['true'], env: { SCRATCH_DIRECTORY: '/' } }], 'steps[0].env.SCRATCH_DIRECTORY'],
    [[{ name: 'a', command: ['a\0'] }], 'steps[0].command[0]'],
  ])('are refused without a program, or with what no process can have (%j)', async (steps, field) => {
    const answer = await call(api.url, deployJson({ steps }))
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ errors: [{ field }] })
  })
})
