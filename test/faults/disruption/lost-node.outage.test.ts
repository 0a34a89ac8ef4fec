import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectl, kubectlJson } from '../../support/cluster/cluster.ts'
import { damageOf, deployFiles, removeJob, sumsOf } from '../../support/files/random-files.ts'
import { type SecondNode, startSecondNode } from '../../support/node/second-node.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { untilEnded, workerWaiting } from '../../support/store/uploader-faults.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault } from '../plan.ts'

/*
 * The second node's kubelet is killed, so that no container there ends, and returns after the
 * job's end. Until then the lost attempt's worker runs on beside the attempt that counts.
 */

let api: OnCluster
let second: SecondNode
beforeAll(async () => {
  second = await startSecondNode()
  api = await startOnCluster({ name: 'lost', environment: { LOST_NODE_SECONDS: '5' } })
})
afterAll(async () => {
  await api?.close()
  await second?.[Symbol.asyncDispose]()
})

const files = { count: 100, bytes: 16_384 }

fault(
  'a node is lost and its pod deleted by force → another attempt, and their results never mix',
  150,
  async () => {
    const uuid = await deployOnSecondNode()
    const [lost = ''] = await podsOf(uuid)
    await second.killKubelet()
    try {
      await kubectl('-n', api.namespace, 'delete', 'pod', lost, '--force', '--grace-period=0', '--wait=false')
      await eventually(async () => expect((await jobOf(uuid)).attempt).toMatchObject({ number: 2 }), {
        within: 60_000,
      })
      // The first attempt's worker runs on: both are alive.
      const { attempt } = await jobOf(uuid)
      ;(await workerWaiting(api.namespace, uuid))()
      await expectComplete(uuid)
      const before = await bytesOf(uuid)
      await second.startKubelet()
      await untilSecondNodeIsEmpty()
      expect(await bytesOf(uuid)).toEqual(before)
      expect((await jobOf(uuid)).attempt).toEqual(attempt)
      await expectComplete(uuid)
      await removeJob(api, uuid)
    } finally {
      await second.startKubelet()
    }
  },
)

fault('a job on a lost node is canceled → canceled, and the node’s return changes nothing', 150, async () => {
  const uuid = await deployOnSecondNode({ stop_grace_seconds: 2 })
  await second.killKubelet()
  try {
    await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'canceled', reason: 'Canceled' })
    await untilNoPodIsLeft(uuid)
    await second.startKubelet()
    await untilSecondNodeIsEmpty()
    expect(await jobOf(uuid)).toEqual(job)
    await removeJob(api, uuid)
  } finally {
    await second.startKubelet()
  }
})

fault('a job on a lost node is deleted → nothing is left, even after the node’s return', 150, async () => {
  const uuid = await deployOnSecondNode({ stop_grace_seconds: 2 })
  await second.killKubelet()
  try {
    await removeJob(api, uuid)
    await untilNoPodIsLeft(uuid)
    await second.startKubelet()
    await untilSecondNodeIsEmpty()
    expect(await objectKeys(api.client, api.bucket, `jobs/${uuid}/`)).toEqual([])
  } finally {
    await second.startKubelet()
  }
})

/**
 * Deploys a job whose first attempt waits on the second node; later attempts run on the first node.
 */
async function deployOnSecondNode(fields: Record<string, unknown> = {}): Promise<string> {
  await kubectl('cordon', 'node')
  try {
    const uuid = await deployFiles(api.url, files, untilEnded, { tolerations: second.tolerations, ...fields })
    await untilState(api.url, uuid, 'running')
    await workerWaiting(api.namespace, uuid)
    return uuid
  } finally {
    await kubectl('uncordon', 'node')
    await kubectl('cordon', second.name)
  }
}

async function expectComplete(uuid: string): Promise<void> {
  const job = await waitForFinal(api.url, uuid, 60)
  const { count } = files
  expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count } })
  expect((await sumsOf(api.url, uuid)).size).toBe(count)
  expect(await damageOf(api.url, uuid)).toEqual([])
}

async function bytesOf(uuid: string): Promise<unknown> {
  return await getJson(`${api.url}/job/${uuid}/result/list?limit=10000`)
}

function jobOf(uuid: string): Promise<Job> {
  return getJson<Job>(`${api.url}/job/${uuid}`)
}

async function podsOf(uuid: string): Promise<string[]> {
  const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>(
    ...['-n', api.namespace, 'get', 'pods', '-l', `jobferry.dev/job=${uuid}`],
  )
  return items.map(({ metadata }) => metadata.name)
}

async function untilNoPodIsLeft(uuid: string): Promise<void> {
  await eventually(async () => expect(await podsOf(uuid)).toEqual([]), { within: 60_000, every: 500 })
}

async function untilSecondNodeIsEmpty(): Promise<void> {
  await eventually(async () => expect(await second.containers()).toBe(0), { within: 60_000, every: 500 })
}
