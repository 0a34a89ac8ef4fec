import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { kubectlJson } from '../../support/cluster/cluster.ts'
import { type JobPod, jobPods } from '../../support/cluster/pods.ts'
import { run } from '../../support/run.ts'
import { eventually } from '../../support/time/eventually.ts'
import { deploy, expectFiles } from '../disruption/disrupted-job.ts'
import { atWork, letEnd, ownFile, textFile, worker } from '../disruption/disrupted-worker.ts'
import { fault } from '../plan.ts'

/*
 * A pod beside a Job's own, made by hand with the same labels, owner and finalizer: what a Job
 * controller makes that did not hear of the first. The real controller deletes one of the two.
 */

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'pod-too-many' })
})
afterAll(() => api.close())

fault(
  'a second pod of a Job beside a running worker → one attempt, complete, nothing left',
  120,
  async () => {
    // It obeys within its grace, and exits well.
    const uuid = await deploy(api.url, worker('exit 0'))
    const first = await atWork(api.namespace, uuid)
    await makeAnother(uuid, first)
    const kept = await untilOneIsLeft(uuid)
    await letEnd(api.namespace, kept)
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'succeeded',
      exit_code: 0,
      attempt: { number: 1, uid: kept.uid },
      result: { state: 'complete', count: 2 },
    })
    await expectFiles(api.url, uuid, [ownFile(kept), textFile('end')])
  },
)

fault('a second pod of a Job whose worker then fails → failed by that worker', 120, async () => {
  const script = 'touch /tmp/begun; while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 3'
  const uuid = await deploy(api.url, busybox(script))
  const first = await atWork(api.namespace, uuid)
  await makeAnother(uuid, first)
  const kept = await untilOneIsLeft(uuid)
  await letEnd(api.namespace, kept)
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
    ...{ state: 'failed', reason: 'Error', exit_code: 3 },
    attempt: { number: 1, uid: kept.uid },
  })
})

/** Makes a pod from the first one's own specification, as the Job controller makes it. */
async function makeAnother(uuid: string, first: JobPod): Promise<void> {
  const { spec } = await kubectlJson<{ spec: { template: { metadata: object; spec: object } } }>(
    ...['-n', api.namespace, 'get', 'job', `job-${uuid}`],
  )
  const { metadata } = await kubectlJson<{ metadata: Record<string, unknown> }>(
    ...['-n', api.namespace, 'get', 'pod', first.name],
  )
  const { labels, annotations, ownerReferences, finalizers } = metadata
  const name = `job-${uuid}-${randomBytes(3).toString('hex').slice(0, 5)}`
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels, annotations, ownerReferences, finalizers },
    spec: spec.template.spec,
  }
  await run('kubectl', ['-n', api.namespace, 'create', '-f', '-'], { input: JSON.stringify(pod) })
}

/** Waits until the Job controller has deleted one of the pods; the job never shows an interruption. */
async function untilOneIsLeft(uuid: string): Promise<JobPod> {
  return await eventually(
    async () => {
      const job = await getJson<Job>(`${api.url}/job/${uuid}`)
      expect(job).toMatchObject({ state: 'running', reason: null, attempt: { number: 1 } })
      const pods = await jobPods(api.namespace, uuid)
      const [kept, ...others] = pods.filter(({ deleting }) => !deleting)
      if (kept === undefined || others.length > 0 || pods.length > 1)
        throw new Error(`${pods.length} pods of ${uuid}`)
      expect(job.attempt?.uid).toBe(kept.uid)
      return kept
    },
    { within: 90_000 },
  )
}
