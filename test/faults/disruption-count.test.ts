import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { type ApiOnCluster, apiOnCluster } from '../support/api-on-cluster.ts'
import type { ApiProcess } from '../support/api-process.ts'
import { kubectl, kubectlJson } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, waitForFinal } from '../support/http.ts'
import { busybox } from '../support/on-cluster.ts'
import { evict, type JobPod, nextPod } from '../support/pods.ts'
import { atWork, deploy, expectFiles, ownFile, textFile, untilAwaited, worker } from './disrupted-worker.ts'
import { fault } from './plan.ts'

/*
 * Kubernetes repeats a disrupted pod without end; the API counts, also over its own restarts.
 */

let where: ApiOnCluster
let api: ApiProcess
beforeAll(async () => {
  where = await apiOnCluster({ name: 'disruption-count', environment: { POD_UID: 'of-all' } })
  api = await where.start()
})
afterAll(() => where.close())

fault(
  'four evictions, the API killed after each → failed as TooManyDisruptions, naming all',
  240,
  async () => {
    const uuid = await deploy(api.url, worker('echo last > /output/last; exit 3', 600))
    const pods: JobPod[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      const pod = await atWork(where.namespace, uuid, pods)
      pods.push(pod)
      expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toMatchObject({
        attempt: { number: attempt, uid: pod.uid },
      })
      await evict(where.namespace, pod)
      // Once it is written down, its API may go, and its pod too.
      await eventually(async () => expect(await recorded(uuid)).toBe(attempt), { every: 10 })
      await api.kill()
      api = await where.start()
    }
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'TooManyDisruptions',
      attempt: { number: 4, uid: pods.at(-1)?.uid },
      result: { state: 'partial', count: 2 },
    })
    for (let attempt = 1; attempt <= 4; attempt++) expect(job.message).toContain(`attempt ${attempt} at `)
    expect(job.message).toContain('Evicted')
    const last = pods.at(-1)
    if (last) await expectFiles(api.url, uuid, [ownFile(last), textFile('last')])
    await untilNothingLeft(uuid)
    expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toEqual(job)
  },
)

fault(
  'an eviction, the API killed before the new attempt and back after its start → counted, complete',
  120,
  async () => {
    const uuid = await deploy(api.url, worker('exit 3'))
    const first = await atWork(where.namespace, uuid)
    await evict(where.namespace, first)
    // The condition is seen and written down before the pod goes.
    await untilAwaited(api.url, uuid, 2)
    await api.kill()
    const second = await atWork(where.namespace, uuid, [first])
    api = await where.start()
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'succeeded',
      attempt: { number: 2, uid: second.uid },
    })
    await expectFiles(api.url, uuid, [ownFile(second), textFile('end')])
  },
)

async function recorded(uuid: string): Promise<number> {
  const { metadata } = await kubectlJson<{ metadata: { annotations: Record<string, string> } }>(
    ...['-n', where.namespace, 'get', 'job', `job-${uuid}`],
  )
  return (JSON.parse(metadata.annotations['jobferry.dev/disruptions'] ?? '[]') as unknown[]).length
}

fault(
  'a full volume while no API runs, repeated by Kubernetes → StorageFull, the new attempt removed',
  200,
  async () => {
    const script = 'yes | head -c 20000000 > /output/large; sleep 600'
    const request = { ...busybox(script), result_storage: '1Mi', retries: 2 }
    const uuid = await deploy(api.url, request)
    const first = await nextPod(where.namespace, uuid)
    await api.kill()
    const second = await nextPod(where.namespace, uuid, [first])
    api = await where.start()
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'StorageFull',
      attempt: { number: 1, uid: first.uid },
    })
    expect(second.uid).not.toBe(first.uid)
    await untilNothingLeft(uuid)
    expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toEqual(job)
  },
)

async function untilNothingLeft(uuid: string): Promise<void> {
  const all = ['jobs,pods,secrets', '-l', `jobferry.dev/job=${uuid}`, '-o', 'name']
  const left = () => kubectl('-n', where.namespace, 'get', ...all)
  await eventually(async () => expect(await left()).toBe(''), { within: 60_000 })
}
