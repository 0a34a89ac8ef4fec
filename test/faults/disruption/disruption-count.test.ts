import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import { kubectl, kubectlJson } from '../../support/cluster/cluster.ts'
import { evict, type JobPod, nextPod } from '../../support/cluster/pods.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault } from '../plan.ts'
import { deploy, expectFiles, untilAwaited } from './disrupted-job.ts'
import { atWork, letEnd, ownFile, textFile, worker } from './disrupted-worker.ts'

/*
 * Kubernetes repeats a disrupted pod without a limit; the API counts, also across its own restarts.
 */

let where: ApiOnCluster
let api: ApiProcess
beforeAll(async () => {
  where = await apiOnCluster({ name: 'disruption-count', environment: { POD_UID: 'of-all' } })
  api = await where.start()
})
afterAll(() => where.close())

fault(
  'the API is killed after each of four evictions → failed as TooManyDisruptions, naming all four',
  240,
  async () => {
    const uuid = await deploy(api.url, worker('echo last > /output/last; exit 3'))
    const pods: JobPod[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      const pod = await atWork(where.namespace, uuid, pods)
      pods.push(pod)
      expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toMatchObject({
        attempt: { number: attempt, uid: pod.uid },
      })
      await evict(where.namespace, pod)
      // A recorded disruption outlives the API and the pod.
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
  'a pod is evicted, and no API runs until the next attempt has started → counted, complete',
  120,
  async () => {
    const uuid = await deploy(api.url, worker('exit 3'))
    const first = await atWork(where.namespace, uuid)
    await evict(where.namespace, first)
    // The API sees and records the pod's condition before the pod is gone.
    await untilAwaited(api.url, uuid, 2)
    await api.kill()
    const second = await atWork(where.namespace, uuid, [first])
    api = await where.start()
    await letEnd(where.namespace, second)
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
  'Kubernetes repeats a pod with a full volume while no API runs → StorageFull, the new attempt removed',
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
