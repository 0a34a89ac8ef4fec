import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { applyManifests, kubectl, kubectlJson } from '../../support/cluster/cluster.ts'
import type { JobPod } from '../../support/cluster/pods.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault } from '../plan.ts'
import { deploy, expectFiles } from './disrupted-job.ts'
import { atWork, letEnd, ownFile, textFile, worker } from './disrupted-worker.ts'

/*
 * The node really loses its room: it is drained, tainted, or given to a pod of a higher priority.
 */

let api: OnCluster
let node: string
beforeAll(async () => {
  api = await startOnCluster({ name: 'disruption' })
  const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>('get', 'nodes')
  node = items[0]?.metadata.name ?? ''
})
afterAll(() => api.close())

fault(
  'a node is drained → the next attempt waits as Unschedulable until there is room, then complete',
  120,
  async () => {
    const uuid = await deploy(api.url, worker('echo last > /output/last; exit 3'))
    const first = await atWork(api.namespace, uuid)
    try {
      await kubectl(
        'drain',
        node,
        '--force',
        '--ignore-daemonsets',
        '--delete-emptydir-data',
        // Without the selector, drain also waits for the pods of other tests.
        `--pod-selector=jobferry.dev/job=${uuid}`,
        '--timeout=60s',
      )
      await untilUnschedulable(uuid)
    } finally {
      await kubectl('uncordon', node)
    }
    await expectSecondAttempt(uuid, first)
  },
)

fault(
  'a node gets a NoExecute taint → the next attempt waits until the taint is gone, then complete',
  120,
  async () => {
    const uuid = await deploy(api.url, worker('exit 3'))
    const first = await atWork(api.namespace, uuid)
    const taint = `jobferry.dev/test-${randomBytes(4).toString('hex')}`
    try {
      await kubectl('taint', 'nodes', node, `${taint}=out:NoExecute`)
      await untilReason(uuid, 'Interrupted', 'DeletionByTaintManager')
      await untilUnschedulable(uuid)
    } finally {
      await kubectl('taint', 'nodes', node, `${taint}-`)
    }
    await expectSecondAttempt(uuid, first)
  },
)

fault(
  'a pod of a higher priority preempts the worker → the next attempt waits for room, then complete',
  120,
  async () => {
    const { status } = await kubectlJson<{ status: { allocatable: { cpu: string } } }>('get', 'node', node)
    const allocatable = status.allocatable.cpu
    const millis = allocatable.endsWith('m') ? Number.parseInt(allocatable, 10) : 1000 * Number(allocatable)
    const cpu = `${Math.floor(0.6 * millis)}m`
    const uuid = await deploy(api.url, { ...worker('exit 3'), cpu })
    const first = await atWork(api.namespace, uuid)
    const name = `jobferry-test-${randomBytes(4).toString('hex')}`
    try {
      await applyManifests(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: preemptor(name, cpu) }))
      await untilReason(uuid, 'Interrupted', 'PreemptionByScheduler')
      await untilUnschedulable(uuid)
      const phase = await kubectl('-n', api.namespace, 'get', 'pod', name, '-o', 'jsonpath={.status.phase}')
      expect(phase).toBe('Running')
    } finally {
      await kubectl('-n', api.namespace, 'delete', 'pod', name, '--ignore-not-found', '--wait=false')
      await kubectl('delete', 'priorityclass', name, '--ignore-not-found')
    }
    await expectSecondAttempt(uuid, first)
  },
)

function preemptor(name: string, cpu: string): object[] {
  const container = {
    name: 'main',
    image: 'docker.io/library/busybox:latest',
    imagePullPolicy: 'IfNotPresent',
    command: ['sleep', '600'],
    resources: { requests: { cpu } },
  }
  return [
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value: 1_000_000 },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: api.namespace },
      spec: { priorityClassName: name, terminationGracePeriodSeconds: 0, containers: [container] },
    },
  ]
}

async function untilReason(uuid: string, reason: string, words: string): Promise<void> {
  await eventually(
    async () => {
      const job = await getJson<Job>(`${api.url}/job/${uuid}`)
      expect(job).toMatchObject({ reason, message: expect.stringContaining(words) })
    },
    { within: 60_000, every: 20 },
  )
}

async function untilUnschedulable(uuid: string): Promise<void> {
  await eventually(
    async () =>
      expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toMatchObject({
        state: 'queued',
        reason: 'Unschedulable',
        attempt: { number: 2 },
      }),
    { within: 60_000 },
  )
}

async function expectSecondAttempt(uuid: string, first: JobPod): Promise<void> {
  const second = await atWork(api.namespace, uuid, [first])
  await letEnd(api.namespace, second)
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
    state: 'succeeded',
    attempt: { number: 2, uid: second.uid },
    result: { state: 'complete', count: 2 },
  })
  await expectFiles(api.url, uuid, [ownFile(second), textFile('end')])
}
