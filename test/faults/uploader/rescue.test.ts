import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { type TestVolumes, testVolumes } from '../../support/cluster/volumes.ts'
import {
  damageOf,
  deployFiles,
  removeJob,
  storedFiles,
  untilCheckpointed,
  untilStored,
} from '../../support/files/random-files.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import {
  endBeforeItsUploader,
  killUploaderContainer,
  untilEnded,
} from '../../support/store/uploader-faults.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault, rounds, someMoment } from '../plan.ts'

/*
 * Results on a volume claim outlive a killed uploader: a rescue, an uploader
 * without a worker, stores the rest.
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
  fault('and the worker ends within the backoff → a rescue makes the result complete', 90, async () => {
    const uuid = await deployFiles(api.url, files, untilEnded, onClaim())
    await endBeforeItsUploader(api.namespace, uuid)
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({ state: 'succeeded', reason: null, result: { state: 'complete', ...whole } })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  fault('and the worker fails within the backoff → failed, with all of its files', 90, async () => {
    const uuid = await deployFiles(api.url, files, `${untilEnded}; exit 7`, onClaim())
    await endBeforeItsUploader(api.namespace, uuid)
    const job = await waitForFinal(api.url, uuid, 60)
    const result = { state: 'partial', ...whole }
    expect(job).toMatchObject({ state: 'failed', reason: 'Error', exit_code: 7, result })
    expect(job.message).not.toContain('UploadInterrupted')
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  fault(
    'while it stores → a rescue makes the result complete and sends no file of a checkpoint again',
    90,
    async () => {
      await proxy.setFault(slow)
      const uuid = await deployFiles(api.url, { ...files, largeMebibytes: 40 }, 'exit 0', onClaim())
      await untilStored(api, uuid, 40)
      const finished = await storedFiles(api, uuid)
      // By then a checkpoint names every file that is stored now.
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

  fault("and the rescue's container too → complete", 120, async () => {
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

  fault('and the rescue exceeds its time limit → failed, UploadInterrupted, partial', 120, async () => {
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
    expect(job.result.bytes).toBeLessThan(whole.bytes)
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  fault('and its job is deleted → nothing is left', 90, async () => {
    const uuid = await slowRescue()
    await someMoment(1500)
    expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    // The slow proxy would deliver whole requests seconds after their sender's end.
    await proxy.setFault({ kind: 'reset' })
    await removeJob(api, uuid)
    await proxy.setFault({ kind: 'pass' })
  })

  fault('and its Job is deleted with kubectl → failed, JobDeleted, partial', 90, async () => {
    const uuid = await slowRescue()
    await kubectl('-n', api.namespace, 'delete', 'job', `job-${uuid}`, '--wait=false')
    const job = await waitForFinal(api.url, uuid, 30)
    await proxy.setFault({ kind: 'pass' })
    expect(job).toMatchObject({ state: 'failed', reason: 'JobDeleted', result: { state: 'partial' } })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })
})

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
