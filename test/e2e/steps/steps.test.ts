import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { killUploader } from '../../support/store/uploader-faults.ts'
import { eventually } from '../../support/time/eventually.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'steps' })
})
afterAll(() => api?.close())

type Fields = Record<string, unknown>

const { image, image_pull_policy } = busybox('')

/** Deploys steps that each run a script in busybox. */
async function deploy(steps: readonly ({ name: string; script: string } & Fields)[], fields: Fields = {}) {
  const given = steps.map(({ script, ...step }) => ({ command: ['sh', '-c', script], ...step }))
  const request = { image, image_pull_policy, steps: given, stop_grace_seconds: 20, ...fields }
  return await deployJob(api.url, request)
}

const statesOf = ({ steps = [] }: Job) => steps.map(({ state, exit_code }) => `${state} ${exit_code}`)

async function resultOf(uuid: string, file: string): Promise<string> {
  return await (await fetch(`${api.url}/job/${uuid}/result?file=${encodeURIComponent(file)}`)).text()
}

async function logOf(uuid: string, query = ''): Promise<string> {
  return await (await fetch(`${api.url}/job/${uuid}/log${query}`)).text()
}

describe('steps', () => {
  it('run one after the other with the same files, and their own environments and logs', async () => {
    const uuid = await deploy(
      [
        {
          name: 'stage',
          script: 'echo $WHO > $RESULT_DIRECTORY/a; echo big > /scratch/b; echo staging',
          env: { WHO: 'stage' },
        },
        {
          name: 'compute',
          script: 'cat $RESULT_DIRECTORY/a /scratch/b > $RESULT_DIRECTORY/c; echo $WHO computes',
        },
        {
          name: 'organize',
          script: 'touch $INPUT_DIRECTORY/x 2>/dev/null && exit 9; rm $RESULT_DIRECTORY/a; echo end',
        },
      ],
      { env: { WHO: 'all' } },
    )
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, result: { state: 'complete', count: 1 } })
    expect(statesOf(job)).toEqual(['succeeded 0', 'succeeded 0', 'succeeded 0'])
    const times = (job.steps ?? []).flatMap(({ started_at, finished_at }) => [started_at, finished_at])
    expect(times).toEqual([...times].sort())
    expect([job.started_at, job.finished_at]).toEqual([times[0], times.at(-1)])
    expect(await resultOf(uuid, 'c')).toBe('stage\nbig\n')
    expect(await logOf(uuid, '?step=compute')).toBe('all computes\n')
    await eventually(
      async () => {
        const keys = await objectKeys(api.client, api.bucket, `jobs/${uuid}/`)
        for (const { name } of job.steps ?? []) {
          expect(
            keys.some((key) => key.endsWith(`/log/step-${name}.txt`)),
            name,
          ).toBe(true)
        }
      },
      { within: 60_000 },
    )
    expect(await logOf(uuid, '?step=stage')).toBe('staging\n')
    expect(await logOf(uuid)).toBe('end\n')
    expect((await fetch(`${api.url}/job/${uuid}/log?step=other`)).status).toBe(400)
  })

  it('that end within the second of the one before are all seen', async () => {
    const steps = Array.from({ length: 6 }, (_, n) => ({
      name: `s${n}`,
      script: `echo ${n} >> $RESULT_DIRECTORY/order`,
    }))
    const uuid = await deploy(steps)
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
    expect(statesOf(job)).toEqual(steps.map(() => 'succeeded 0'))
    expect(await resultOf(uuid, 'order')).toBe('0\n1\n2\n3\n4\n5\n')
  })

  it('end the job where one fails, and keep what was there', async () => {
    const uuid = await deploy([
      { name: 'good', script: 'echo good > $RESULT_DIRECTORY/good' },
      { name: 'bad', script: 'echo half > $RESULT_DIRECTORY/half; echo why >&2; exit 3' },
      { name: 'never', script: 'echo never > $RESULT_DIRECTORY/never' },
    ])
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'Error',
      exit_code: 3,
      result: { state: 'partial', count: 2 },
    })
    expect(job.message).toContain('the step `bad` exited with code 3')
    expect(statesOf(job)).toEqual(['succeeded 0', 'failed 3', 'skipped null'])
    expect(await logOf(uuid)).toBe('why\n')
    expect(await resultOf(uuid, 'half')).toBe('half\n')
  })

  it('are repeated from the first one with retries, in an empty result directory', async () => {
    const uuid = await deploy(
      [
        { name: 'first', script: 'ls $RESULT_DIRECTORY; echo begun; echo $HOSTNAME > $RESULT_DIRECTORY/pod' },
        { name: 'second', script: 'exit 1' },
      ],
      { retries: 1 },
    )
    const job = await waitForFinal(api.url, uuid, 150)
    expect(job).toMatchObject({
      state: 'failed',
      attempt: { number: 2 },
      result: { state: 'partial', count: 1 },
    })
    expect(await logOf(uuid, '?step=first')).toBe('begun\n')
    expect(await logOf(uuid, '?step=first&attempt=1')).toBe('begun\n')
  })

  it('name the step that uses up its memory', async () => {
    const uuid = await deploy([
      { name: 'small', script: 'true', memory: '64Mi' },
      { name: 'large', script: 'tail -c 200m /dev/zero', memory: '32Mi' },
      { name: 'last', script: 'true' },
    ])
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'failed', reason: 'OOMKilled' })
    expect(job.message).toContain('the step `large` used more memory')
  })

  it('show the missing image of a later step, which ends the job after start_timeout_seconds', async () => {
    const uuid = await deploy(
      [
        { name: 'here', script: 'echo kept > $RESULT_DIRECTORY/kept' },
        { name: 'gone', script: 'true', image: 'registry.invalid/none:1' },
        { name: 'last', script: 'true' },
      ],
      { start_timeout_seconds: 45 },
    )
    const pulling = /^(ErrImagePull|ImagePullBackOff)$/
    await eventually(
      async () => {
        const job = await getJson<Job>(`${api.url}/job/${uuid}`)
        expect(job.state).toBe('running')
        expect(job.reason).toMatch(pulling)
      },
      { within: 60_000 },
    )
    const job = await waitForFinal(api.url, uuid, 120)
    expect(job).toMatchObject({ state: 'failed', result: { state: 'partial', count: 1 } })
    expect(job.reason).toMatch(pulling)
    expect(job.message).toContain('the step `gone`')
    expect(await resultOf(uuid, 'kept')).toBe('kept\n')
  })

  it('name the program that a later step lacks', async () => {
    const uuid = await deploy([
      { name: 'here', script: 'true' },
      { name: 'misspelt', script: '', command: ['misspelt'] },
      { name: 'last', script: 'true' },
    ])
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'failed', reason: 'Error', exit_code: 127 })
    expect(job.message).toContain("the step `misspelt` couldn't run")
  })

  it('connect their streams with files, and go on after a failure that is ignored', async () => {
    const uuid = await deploy([
      {
        name: 'write',
        script: 'echo out; echo err >&2; exit 4',
        stdout: 'd/out',
        stderr: 'd/err',
        ignore_error: true,
      },
      { name: 'read', script: 'cat; echo "$0 done"', stdin: 'd/out', stdout: 'copy' },
    ])
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
    expect(statesOf(job)).toEqual(['failed 4', 'succeeded 0'])
    expect([await resultOf(uuid, 'd/out'), await resultOf(uuid, 'd/err')]).toEqual(['out\n', 'err\n'])
    expect(await resultOf(uuid, 'copy')).toMatch(/^out\n.*done\n$/)
    expect((await logOf(uuid, '?step=write')).split('\n').sort()).toEqual(['', 'err', 'out'])
  })

  it('lose nothing when the uploader is killed during one', async () => {
    const uuid = await deploy([
      { name: 'first', script: 'echo 1 > $RESULT_DIRECTORY/1; sleep 8; echo 2 > $RESULT_DIRECTORY/2' },
      { name: 'second', script: 'echo 3 > $RESULT_DIRECTORY/3' },
    ])
    await untilStep(uuid, 'first', 'running')
    await killUploader(api.namespace, uuid)
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: 3 } })
  })
})

async function untilStep(uuid: string, name: string, state: string): Promise<void> {
  await eventually(
    async () => {
      const { steps } = await getJson<Job>(`${api.url}/job/${uuid}`)
      expect(steps?.find((step) => step.name === name)?.state).toBe(state)
    },
    { within: 60_000 },
  )
}
