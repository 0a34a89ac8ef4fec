import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { eventually } from '../../support/time/eventually.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'held' })
})
afterAll(() => api?.close())

/** The pod and the container in a held job's message, once it has one. */
async function untilHeld(uuid: string): Promise<string[]> {
  return await eventually(
    async () => {
      const job = await getJson<Job>(`${api.url}/job/${uuid}`)
      expect(job).toMatchObject({ state: 'running', reason: 'HeldAfterFailure' })
      const [, namespace, pod = '', container = ''] =
        /kubectl -n (\S+) exec -it (\S+) -c (\S+) -- sh/.exec(job.message ?? '') ?? []
      expect(namespace).toBe(api.namespace)
      return [pod, container]
    },
    { within: 60_000 },
  )
}

function exec([pod = '', container = '']: readonly string[], ...command: string[]): Promise<string> {
  return kubectl('-n', api.namespace, 'exec', pod, '-c', container, '--', ...command)
}

async function resultOf(uuid: string, file: string): Promise<string> {
  return await (await fetch(`${api.url}/job/${uuid}/result?file=${file}`)).text()
}

const failing = busybox('echo half >$RESULT_DIRECTORY/half; echo why >/tmp/trace; exit 3')

describe('a worker that fails is held', () => {
  it('beyond its time limit, can be looked into, and fails with its exit code at kill 1', async () => {
    const uuid = await deployJob(api.url, {
      ...failing,
      timeout_seconds: 10,
      hold_after_failure_seconds: 600,
    })
    const place = await untilHeld(uuid)
    expect(await exec(place, 'cat', '/tmp/trace')).toBe('why\n')
    await exec(place, 'sh', '-c', 'echo seen >$RESULT_DIRECTORY/seen')
    const { started_at: start } = await getJson<Job>(`${api.url}/job/${uuid}`)
    await eventually(() => expect(Date.now()).toBeGreaterThan(Date.parse(String(start)) + 16_000), {
      within: 40_000,
    })
    expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toMatchObject({ reason: 'HeldAfterFailure' })
    await exec(place, 'kill', '1')
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({ state: 'failed', reason: 'Error', exit_code: 3, result: { count: 2 } })
    expect([await resultOf(uuid, 'half'), await resultOf(uuid, 'seen')]).toEqual(['half\n', 'seen\n'])
  })

  it('until the time is over, a step with its name', async () => {
    const { command, ...image } = failing
    const steps = [
      { name: 'good', command: ['true'] },
      { name: 'bad', command },
      { name: 'never', command },
    ]
    const uuid = await deployJob(api.url, { ...image, steps, hold_after_failure_seconds: 20 })
    expect((await untilHeld(uuid))[1]).toBe('step-bad')
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({ state: 'failed', reason: 'Error', exit_code: 3, result: { count: 1 } })
    expect(job.message).toContain('the step `bad` exited with code 3')
  })

  it('until it is canceled, with its exit code and its files', async () => {
    const uuid = await deployJob(api.url, {
      ...failing,
      hold_after_failure_seconds: 600,
      stop_grace_seconds: 20,
    })
    await untilHeld(uuid)
    await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({ state: 'canceled', exit_code: 3, result: { state: 'partial', count: 1 } })
    expect(await resultOf(uuid, 'half')).toBe('half\n')
  })
})
