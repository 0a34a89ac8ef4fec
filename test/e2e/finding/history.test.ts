import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'

let api: OnCluster

beforeAll(async () => {
  api = await startOnCluster({ name: 'history' })
})
afterAll(() => api?.close())

it('a job of two steps on a cluster tells when it did what, on which node, with which images', async () => {
  const { image, image_pull_policy } = busybox('')
  const program = (name: string, script: string) => ({ name, command: ['sh', '-c', script] })
  const steps = [program('stage', 'sleep 2'), program('compute', 'echo 12345 >$RESULT_DIRECTORY/data')]
  const uuid = await deployJob(api.url, { image, image_pull_policy, steps })
  const { history = [], usage, message } = await waitForFinal(api.url, uuid, 90)
  expect(message).toBe('1 entry, 6 bytes stored')
  expect(history.map(({ state, attempt, step }) => [state, attempt, step])).toEqual([
    ['queued', null, undefined],
    ['preparing', 1, undefined],
    ['running', 1, 'stage'],
    ['running', 1, 'compute'],
    ['storing', 1, undefined],
    ['succeeded', 1, undefined],
  ])
  const times = history.map(({ time }) => time)
  expect(times.toSorted()).toEqual(times)
  const digest = expect.stringMatching(/sha256:[0-9a-f]{64}$/)
  expect(usage).toMatchObject({
    ...{ node: expect.any(String), images: [digest, digest], input_bytes: 0, output_bytes: 6 },
    ...{ queued_seconds: expect.any(Number), pulling_seconds: expect.any(Number) },
    ...{ fetching_seconds: expect.any(Number), storing_seconds: expect.any(Number) },
    ...{ peak_memory_bytes: null, cpu_seconds: null },
  })
  expect(usage?.running_seconds).toBeGreaterThanOrEqual(2)
  const again = (await getJson(`${api.url}/job/${uuid}`)) as unknown as Job
  expect([again.history, again.usage]).toEqual([history, usage])
}, 120_000)
