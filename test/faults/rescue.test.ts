import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { getJson, waitForFinal } from '../support/http.ts'
import { type OnCluster, startOnCluster, untilState } from '../support/on-cluster.ts'
import {
  damageOf,
  deployFiles,
  removeJob,
  storedFiles,
  untilCheckpointed,
  untilStored,
} from '../support/random-files.ts'
import { given } from '../support/test-run.ts'
import { killUploaderContainer, untilEnded, workerWaiting } from '../support/uploader-faults.ts'
import { type TestVolumes, testVolumes } from '../support/volumes.ts'
import { fault, rounds, someMoment } from './plan.ts'

/*
 * Results on a volume claim outlive their uploader: what it left, another one alone brings into the store.
 */

let api: OnCluster
let proxy: FaultProxy
let volumes: TestVolumes
beforeAll(async () => {
  volumes = await testVolumes({ count: 8 * rounds })
  proxy = await startFaultProxy(given('S3_ENDPOINT_FOR_PODS'), given('NODE_ADDRESS'))
  api = await startOnCluster({ name: 'rescue', environment: { S3_ENDPOINT_FOR_PODS: proxy.url } })
})
afterAll(async () => {
  await api?.close()
  await proxy?.close()
  await volumes?.remove()
})

const slow = { kind: 'throttle', bytesPerSecond: 15_000 } as const
const files = { count: 200, bytes: 16_384 }
const whole = { count: files.count, bytes: files.count * files.bytes }
const onClaim = () => ({ result_storage: '100Mi', result_storage_class: volumes.storageClass })
const rescuePods = 'jobferry.dev/kind=rescue'

describe("the uploader's container is killed, its results on a volume claim", () => {
  fault('and the worker ends within the back-off → a rescue makes it complete', 90, async () => {
    const uuid = await deployFiles(api.url, files, untilEnded, onClaim())
    await endBeforeItsUploader(uuid)
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({ state: 'succeeded', reason: null, result: { state: 'complete', ...whole } })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  fault('and a worker that fails ends within the back-off → failed, with all of its files', 90, async () => {
    const uuid = await deployFiles(api.url, files, `${untilEnded}; exit 7`, onClaim())
    await endBeforeItsUploader(uuid)
    const job = await waitForFinal(api.url, uuid, 60)
    const result = { state: 'partial', ...whole }
    expect(job).toMatchObject({ state: 'failed', reason: 'Error', exit_code: 7, result })
    expect(job.message).not.toContain('UploadInterrupted')
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  fault(
    'while it stores → a rescue makes it complete, no file of a checkpoint is sent again',
    90,
    async () => {
      await proxy.setFault(slow)
      const uuid = await deployFiles(api.url, { ...files, largeMebibytes: 40 }, 'exit 0', onClaim())
      await untilStored(api, uuid, 40)
      const finished = await storedFiles(api, uuid)
      // What is stored now is written down by then.
      await untilCheckpointed(api, uuid, Date.now() + 3000)
      await killUploaderContainer(api.namespace, uuid)
      const meanwhile = await eventually(
        async () => {
          const job = await getJson<Job>(`${api.url}/job/${uuid}`)
          expect(job.reason).not.toBeNull()
          return job
        },
        { within: 20_000 },
      )
      expect(meanwhile).toMatchObject({ state: 'storing', reason: 'UploadInterrupted' })
      expect(meanwhile.message).toContain('rescue')
      await proxy.setFault({ kind: 'pass' })
      const job = await waitForFinal(api.url, uuid, 60)
      expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: files.count + 1 } })
      const after = await storedFiles(api, uuid)
      expect([...finished].filter(([key, modified]) => after.get(key) !== modified)).toEqual([])
      expect(await damageOf(api.url, uuid)).toEqual([])
      await removeJob(api, uuid)
    },
  )

  fault("and its rescue's too → complete", 120, async () => {
    await proxy.setFault(slow)
    const uuid = await deployFiles(api.url, files, 'exit 0', onClaim())
    await untilStored(api, uuid, 20)
    await killUploaderContainer(api.namespace, uuid)
    await killUploaderContainer(api.namespace, uuid, rescuePods)
    await proxy.setFault({ kind: 'pass' })
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', ...whole } })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  fault('and the rescue is too slow for its time → failed, UploadInterrupted, partial', 120, async () => {
    await proxy.setFault(slow)
    const uuid = await deployFiles(api.url, { ...files, largeMebibytes: 40 }, 'exit 0', {
      ...onClaim(),
      upload_timeout_seconds: 30,
    })
    await untilCheckpointed(api, uuid)
    await killUploaderContainer(api.namespace, uuid)
    const job = await waitForFinal(api.url, uuid, 90)
    await proxy.setFault({ kind: 'pass' })
    expect(job).toMatchObject({ state: 'failed', reason: 'UploadInterrupted', result: { state: 'partial' } })
    expect(job.message).toMatch(/rescue .*failed: UploadTimeout: .*30 s/)
    expect(job.result.count).toBeGreaterThan(0)
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })
})

describe('a rescue runs', () => {
  fault('and its job is canceled → canceled, with the files of its last checkpoint', 90, async () => {
    const uuid = await slowRescue()
    await someMoment(1500)
    expect((await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })).status).toBe(202)
    const job = await waitForFinal(api.url, uuid, 30)
    await proxy.setFault({ kind: 'pass' })
    expect(job).toMatchObject({ state: 'canceled', result: { state: 'partial' } })
    expect(job.result.count).toBeLessThan(files.count)
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  fault('and its job is deleted → nothing is left', 90, async () => {
    const uuid = await slowRescue()
    await someMoment(1500)
    expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    // The proxy would deliver whole requests seconds after their sender's end.
    await proxy.setFault({ kind: 'reset' })
    await removeJob(api, uuid)
    await proxy.setFault({ kind: 'pass' })
  })

  fault('and somebody deletes its job with kubectl → failed, JobDeleted, partial', 90, async () => {
    const uuid = await slowRescue()
    await kubectl('-n', api.namespace, 'delete', 'job', `job-${uuid}`, '--wait=false')
    const job = await waitForFinal(api.url, uuid, 30)
    await proxy.setFault({ kind: 'pass' })
    expect(job).toMatchObject({ state: 'failed', reason: 'JobDeleted', result: { state: 'partial' } })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })
})

/** The kubelet starts a killed sidecar again at once, the second time after 10 s, and not after its worker's end. */
async function endBeforeItsUploader(uuid: string): Promise<void> {
  const endWorker = await workerWaiting(api.namespace, uuid)
  await killUploaderContainer(api.namespace, uuid)
  const path = '{.items[0].status.initContainerStatuses[0].restartCount}'
  await eventually(
    async () => {
      const pods = ['get', 'pods', '-l', `jobferry.dev/job=${uuid}`, '-o', `jsonpath=${path}`]
      expect(await kubectl('-n', api.namespace, ...pods)).toBe('1')
    },
    { within: 30_000 },
  )
  await killUploaderContainer(api.namespace, uuid)
  endWorker()
}

async function slowRescue(): Promise<string> {
  await proxy.setFault(slow)
  const uuid = await deployFiles(api.url, files, 'exit 0', onClaim())
  await untilState(api.url, uuid, 'storing')
  await untilStored(api, uuid, 5)
  await killUploaderContainer(api.namespace, uuid)
  await untilRescue(uuid)
  return uuid
}

async function untilRescue(uuid: string): Promise<void> {
  await eventually(
    async () => {
      const selected = ['-l', `jobferry.dev/job=${uuid},${rescuePods}`]
      const pods = await kubectl(
        '-n',
        api.namespace,
        'get',
        'pods',
        ...selected,
        '-o',
        'jsonpath={.items[*].status.phase}',
      )
      expect(pods).toContain('Running')
    },
    { within: 40_000 },
  )
}
