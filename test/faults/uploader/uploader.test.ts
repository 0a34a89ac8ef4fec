import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import {
  damageOf,
  deployFiles,
  type RandomFiles,
  removeJob,
  storedFiles,
  untilCheckpointed,
  untilStored,
} from '../../support/files/random-files.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import {
  killUploader,
  killUploaderContainer,
  untilEnded,
  workerWaiting,
} from '../../support/store/uploader-faults.ts'
import { eventually } from '../../support/time/eventually.ts'
import { atLength, fault, someMoment } from '../plan.ts'

/*
 * The uploader's program or container is killed at any moment:
 * complete, or a failure with its reason.
 */

let api: OnCluster
let proxy: FaultProxy
beforeAll(async () => {
  proxy = await startFaultProxy(given('S3_ENDPOINT_FOR_PODS'), given('NODE_ADDRESS'))
  api = await startOnCluster({ name: 'uploader', environment: { S3_ENDPOINT_FOR_PODS: proxy.url } })
})
afterAll(async () => {
  await api?.close()
  await proxy?.close()
})

/** Makes storing last long enough for a fault. */
const slow = { kind: 'throttle', bytesPerSecond: 15_000 } as const
const files = { count: 800, bytes: 16_384 }
const few = { count: 50, bytes: 16_384 }

describe("the uploader's program is killed", () => {
  fault('repeatedly while the worker runs → complete', 60, async () => {
    const uuid = await deployFiles(api.url, few, untilEnded)
    const endWorker = await workerWaiting(api.namespace, uuid)
    for (let times = 0; times < (atLength ? 3 : 2); times++) {
      await someMoment(1500)
      await killUploader(api.namespace, uuid)
    }
    endWorker()
    await expectComplete(uuid, few)
    await removeJob(api, uuid)
  })

  fault('repeatedly while it stores → complete, and no finished file is sent again', 90, async () => {
    await proxy.setFault(slow)
    const uuid = await deployFiles(api.url, files)
    await untilState(api.url, uuid, 'storing')
    const before: Map<string, number>[] = []
    for (let times = 0; times < 3; times++) {
      await untilStored(api, uuid, 40 + 120 * times)
      before.push(await storedFiles(api, uuid))
      // The next program knows the journal only: a record waits for the earlier records in order.
      await sleep(3000 + Math.random() * 500)
      await killUploader(api.namespace, uuid)
    }
    await proxy.setFault({ kind: 'pass' })
    await expectComplete(uuid, files)
    const after = await storedFiles(api, uuid)
    const sentAgain = before.map(
      (finished) => [...finished].filter(([key, at]) => after.get(key) !== at).length,
    )
    expect(sentAgain[0]).toBe(0)
    // An upload in flight at an earlier kill may have arrived, and counts as finished here.
    expect(Math.max(...sentAgain)).toBeLessThan(64 * before.length)
    await removeJob(api, uuid)
  })
})

describe("the uploader's container is killed", () => {
  fault('while the worker runs → complete', 60, async () => {
    const uuid = await deployFiles(api.url, few, untilEnded)
    const endWorker = await workerWaiting(api.namespace, uuid)
    await someMoment(1000)
    await killUploaderContainer(api.namespace, uuid)
    // The container's second process 1 runs.
    await eventually(() => expectRestarts(uuid, 1), { within: 30_000 })
    endWorker()
    await expectComplete(uuid, few)
    await removeJob(api, uuid)
  })

  fault('and the worker ends within the backoff → failed, UploadInterrupted', 90, async () => {
    const uuid = await deployFiles(api.url, few, untilEnded)
    const endWorker = await workerWaiting(api.namespace, uuid)
    await killUploaderContainer(api.namespace, uuid)
    await eventually(() => expectRestarts(uuid, 1), { within: 30_000 })
    await killUploaderContainer(api.namespace, uuid)
    endWorker()
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({ state: 'failed', reason: 'UploadInterrupted', exit_code: 0 })
    expect(job.message).toContain('result_storage_class')
    // The check of the store leaves an empty checkpoint; another one names the uploads of the run.
    expect(job.result.state).toBe('partial')
    expect([0, few.count]).toContain(job.result.count)
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  fault(
    'while it stores → failed, UploadInterrupted, with the files of its last checkpoint',
    90,
    async () => {
      await proxy.setFault(slow)
      const uuid = await deployFiles(api.url, { ...files, count: 200, largeMebibytes: 40 })
      await untilState(api.url, uuid, 'storing')
      await untilStored(api, uuid, 40)
      await untilCheckpointed(api, uuid)
      await someMoment(1000)
      await killUploaderContainer(api.namespace, uuid)
      await proxy.setFault({ kind: 'pass' })
      const job = await waitForFinal(api.url, uuid, 60)
      expect(job).toMatchObject({
        state: 'failed',
        reason: 'UploadInterrupted',
        result: { state: 'partial' },
      })
      expect(job.message).toContain('result_storage_class')
      expect(job.result.count).toBeGreaterThan(0)
      expect(job.result.count).toBeLessThanOrEqual(200)
      expect(await damageOf(api.url, uuid)).toEqual([])
      await removeJob(api, uuid)
    },
  )
})

async function expectComplete(uuid: string, { count, bytes }: RandomFiles): Promise<void> {
  const job = await waitForFinal(api.url, uuid, 60)
  const result = { state: 'complete', count, bytes: count * bytes }
  expect(job).toMatchObject({ state: 'succeeded', reason: null, result })
  expect(await damageOf(api.url, uuid)).toEqual([])
}

async function expectRestarts(uuid: string, count: number): Promise<void> {
  const path = '{.items[0].status.initContainerStatuses[?(@.name=="uploader")].restartCount}'
  const pods = ['get', 'pods', '-l', `jobferry.dev/job=${uuid}`]
  expect(await kubectl('-n', api.namespace, ...pods, '-o', `jsonpath=${path}`)).toBe(String(count))
}
