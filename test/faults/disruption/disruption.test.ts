import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { evict, jobPods } from '../../support/cluster/pods.ts'
import { sha256OfPatterned, writePatterned } from '../../support/files/patterned.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault, someMoment } from '../plan.ts'
import { deploy, expectFiles, untilAwaited } from './disrupted-job.ts'
import { atWork, letEnd, ownFile, textFile, worker } from './disrupted-worker.ts'

/*
 * Pods end without the API: evicted through the Eviction API or by
 * their kubelet, or deleted with kubectl.
 */

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'disruption' })
})
afterAll(() => api.close())

describe('an evicted worker', () => {
  const answers: [string, string, number | undefined][] = [
    ['exits 3 on SIGTERM', 'exit 3', undefined],
    ['ignores SIGTERM', '', 3],
  ]
  for (const [what, onTerm, grace] of answers) {
    fault(`${what} → a new attempt, whose results alone are shown`, 120, async () => {
      const uuid = await deploy(api.url, worker(onTerm))
      const first = await atWork(api.namespace, uuid)
      await someMoment(2000)
      await evict(api.namespace, first, grace)
      expect(await untilAwaited(api.url, uuid, 2)).toMatchObject({ reason: 'Evicted' })
      const second = await atWork(api.namespace, uuid, [first])
      await letEnd(api.namespace, second)
      const job = await waitForFinal(api.url, uuid, 60)
      expect(job).toMatchObject({
        state: 'succeeded',
        exit_code: 0,
        attempt: { number: 2, uid: second.uid },
        result: { state: 'complete', count: 2 },
      })
      await expectFiles(api.url, uuid, [ownFile(second), textFile('end')])
    })
  }

  fault(
    'writes a last file and line on SIGTERM → stored with its attempt; only the new attempt’s files are shown',
    180,
    async () => {
      const uuid = await deploy(api.url, worker('echo last > /output/last; echo last words; exit 5'))
      const first = await atWork(api.namespace, uuid)
      await evict(api.namespace, first)
      await untilAwaited(api.url, uuid, 2)
      const stored = await objectKeys(api.client, api.bucket, `jobs/${uuid}/${first.uid}/`)
      expect(stored).toContain(`jobs/${uuid}/${first.uid}/files/last`)
      expect(stored).toContain(`jobs/${uuid}/${first.uid}/manifest.ndjson`)
      const second = await atWork(api.namespace, uuid, [first])
      await eventually(async () => {
        expect((await jobPods(api.namespace, uuid)).map(({ uid }) => uid)).toEqual([second.uid])
      })
      const log = async () => (await fetch(`${api.url}/job/${uuid}/log?attempt=1`)).text()
      const whileTheNextRuns = await log()
      expect(whileTheNextRuns).toMatch(/last words\n$/)
      await letEnd(api.namespace, second)
      expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
      await expectFiles(api.url, uuid, [ownFile(second), textFile('end')])
      expect(await log()).toBe(whileTheNextRuns)
    },
  )

  fault('exits 0 on SIGTERM → failed as Interrupted, its files are a partial result', 60, async () => {
    const uuid = await deploy(api.url, worker('echo last > /output/last; exit 0'))
    const first = await atWork(api.namespace, uuid)
    await someMoment(2000)
    await evict(api.namespace, first)
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'failed',
      reason: 'Interrupted',
      exit_code: 0,
      result: { state: 'partial', count: 2 },
    })
    await expectFiles(api.url, uuid, [ownFile(first), textFile('last')])
    await untilNoPod(uuid)
  })

  fault('has ended and its results are being stored → complete', 120, async () => {
    const size = 600_000_000
    const uuid = await deploy(api.url, busybox(writePatterned('/output/large', 'x', size)))
    await untilState(api.url, uuid, 'storing')
    // Kubernetes' times are whole seconds: an eviction within 2 s
    // after the end may seem to precede it.
    await sleep(2100)
    const [pod] = await jobPods(api.namespace, uuid)
    if (pod) await evict(api.namespace, pod)
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'succeeded',
      attempt: { number: 1, uid: pod?.uid },
      result: { state: 'complete', count: 1 },
    })
    await expectFiles(api.url, uuid, [['large', sha256OfPatterned('x', size)]])
  })
})

describe('a pod deleted with kubectl', () => {
  fault('of a job without `retries` → failed as PodDeleted, its files are a partial result', 60, async () => {
    const uuid = await deploy(api.url, worker('exit 1'))
    const first = await atWork(api.namespace, uuid)
    await someMoment(2000)
    await kubectl('-n', api.namespace, 'delete', 'pod', first.name, '--wait=false')
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'failed',
      reason: 'PodDeleted',
      result: { state: 'partial', count: 1 },
    })
    await expectFiles(api.url, uuid, [ownFile(first)])
  })

  fault('of a job with `retries` → the next attempt, whose results alone are shown', 120, async () => {
    const uuid = await deploy(api.url, { ...worker('exit 1'), retries: 1 })
    const first = await atWork(api.namespace, uuid)
    await kubectl('-n', api.namespace, 'delete', 'pod', first.name, '--wait=false')
    expect(await untilAwaited(api.url, uuid, 2)).toMatchObject({ reason: 'PodDeleted' })
    const second = await atWork(api.namespace, uuid, [first])
    await letEnd(api.namespace, second)
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'succeeded',
      attempt: { number: 2, uid: second.uid },
    })
    await expectFiles(api.url, uuid, [ownFile(second), textFile('end')])
  })
})

describe('a full results volume', () => {
  for (const retries of [0, 2]) {
    fault(`with ${retries} retries → failed as StorageFull at once, no further attempt`, 120, async () => {
      const script = 'yes | head -c 20000000 > /output/large; sleep 600'
      const uuid = await deploy(api.url, { ...busybox(script), result_storage: '1Mi', retries })
      const job = await waitForFinal(api.url, uuid, 100)
      expect(job, JSON.stringify(job)).toMatchObject({
        state: 'failed',
        reason: 'StorageFull',
        attempt: { number: 1 },
      })
      expect(job.message).toContain('result_storage')
      // Kubernetes would start another attempt after 10 s.
      if (retries > 0) await sleep(15_000)
      const pods = (await jobPods(api.namespace, uuid)).map(({ uid, phase }) => ({ uid, phase }))
      // Without retries the Job often fails by itself before it has to be stopped; then its pod stays.
      const failed = [{ uid: job.attempt?.uid, phase: 'Failed' }]
      expect(retries === 0 ? [[], failed] : [[]]).toContainEqual(pods)
      expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toEqual(job)
    })
  }
})

function untilNoPod(uuid: string): Promise<void> {
  return eventually(async () => expect(await jobPods(api.namespace, uuid)).toEqual([]), { within: 60_000 })
}
