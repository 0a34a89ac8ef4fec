import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { objectKeys } from '../support/bucket.ts'
import { kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, waitForFinal } from '../support/http.ts'
import { busybox, type OnCluster, startOnCluster, untilState } from '../support/on-cluster.ts'
import { sha256OfPatterned, writePatterned } from '../support/patterned.ts'
import { evict, jobPods } from '../support/pods.ts'
import { atWork, deploy, expectFiles, ownFile, textFile, untilAwaited, worker } from './disrupted-worker.ts'
import { fault, someMoment } from './plan.ts'

/*
 * Pods are ended by others than the API: evicted through the Eviction API, by their kubelet, or deleted by a person.
 */

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'disruption' })
})
afterAll(() => api.close())

describe('a worker that is evicted', () => {
  const answers: [string, string, number | undefined][] = [
    ['exits 3 on SIGTERM', 'exit 3', undefined],
    ['ignores SIGTERM', '', 3],
  ]
  for (const [what, onTerm, grace] of answers) {
    fault(`and ${what} → a new attempt, its results alone`, 120, async () => {
      // One that ignores the signal works on for its grace: it must not have ended by itself by then.
      const uuid = await deploy(api.url, worker(onTerm, grace === undefined ? 8 : 12))
      const first = await atWork(api.namespace, uuid)
      await someMoment(2000)
      await evict(api.namespace, first, grace)
      expect(await untilAwaited(api.url, uuid, 2)).toMatchObject({ reason: 'Evicted' })
      const second = await atWork(api.namespace, uuid, [first])
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
    'and writes a last file on SIGTERM → stored with its attempt, the new one’s shown alone',
    120,
    async () => {
      const uuid = await deploy(api.url, worker('echo last > /output/last; exit 5'))
      const first = await atWork(api.namespace, uuid)
      await evict(api.namespace, first)
      await untilAwaited(api.url, uuid, 2)
      const stored = await objectKeys(api.client, api.bucket, `jobs/${uuid}/${first.uid}/`)
      expect(stored).toContain(`jobs/${uuid}/${first.uid}/files/last`)
      expect(stored).toContain(`jobs/${uuid}/${first.uid}/manifest.ndjson`)
      const second = await atWork(api.namespace, uuid, [first])
      expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
      await expectFiles(api.url, uuid, [ownFile(second), textFile('end')])
    },
  )

  fault('and exits 0 on SIGTERM → failed as Interrupted, what it left is partial', 60, async () => {
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

  fault('while its results are being stored → complete all the same', 120, async () => {
    const size = 600_000_000
    const uuid = await deploy(api.url, busybox(writePatterned('/output/large', 'x', size)))
    await untilState(api.url, uuid, 'storing')
    // What comes within two seconds of the worker's end may have come before it: times are whole seconds.
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

describe('a pod that a person deletes', () => {
  fault('→ failed as PodDeleted, what it left is partial', 60, async () => {
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

  fault('of a job with `retries` → the next attempt, its results alone', 120, async () => {
    const uuid = await deploy(api.url, { ...worker('exit 1'), retries: 1 })
    const first = await atWork(api.namespace, uuid)
    await kubectl('-n', api.namespace, 'delete', 'pod', first.name, '--wait=false')
    expect(await untilAwaited(api.url, uuid, 2)).toMatchObject({ reason: 'PodDeleted' })
    const second = await atWork(api.namespace, uuid, [first])
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'succeeded',
      attempt: { number: 2, uid: second.uid },
    })
    await expectFiles(api.url, uuid, [ownFile(second), textFile('end')])
  })
})

describe('a results volume that is full', () => {
  for (const retries of [0, 2]) {
    fault(`with ${retries} retries → failed as StorageFull at once, no other attempt`, 120, async () => {
      const script = 'yes | head -c 20000000 > /output/large; sleep 600'
      const uuid = await deploy(api.url, { ...busybox(script), result_storage: '1Mi', retries })
      const job = await waitForFinal(api.url, uuid, 100)
      expect(job, JSON.stringify(job)).toMatchObject({
        state: 'failed',
        reason: 'StorageFull',
        attempt: { number: 1 },
      })
      expect(job.message).toContain('result_storage')
      // Kubernetes would begin another one after 10 s.
      await sleep(15_000)
      const pods = (await jobPods(api.namespace, uuid)).map(({ uid, phase }) => ({ uid, phase }))
      expect(pods).toEqual(retries === 0 ? [{ uid: job.attempt?.uid, phase: 'Failed' }] : [])
      expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toEqual(job)
    })
  }
})

function untilNoPod(uuid: string): Promise<void> {
  return eventually(async () => expect(await jobPods(api.namespace, uuid)).toEqual([]), { within: 60_000 })
}
