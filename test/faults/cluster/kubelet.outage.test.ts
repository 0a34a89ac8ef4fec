import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { killNodeProcess } from '../../support/api/node-process.ts'
import { type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { damageOf, deployFiles, removeJob, untilStored } from '../../support/files/random-files.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault, outage, outageSeconds, someMoment } from '../plan.ts'

/*
 * The kubelet gets a real SIGKILL. Its containers run on, but their ends are not reported, and the
 * uploader gets no SIGTERM at the worker's end.
 */

let api: OnCluster
let proxy: FaultProxy
beforeAll(async () => {
  proxy = await startFaultProxy(given('S3_ENDPOINT_FOR_PODS'), given('NODE_ADDRESS'))
  api = await startOnCluster({ name: 'kubelet', environment: { S3_ENDPOINT_FOR_PODS: proxy.url } })
})
afterAll(async () => {
  await api?.close()
  await proxy?.close()
})

const files = { count: 300, bytes: 16_384 }

fault('the kubelet is down for a part of the worker’s run → complete', 90, async () => {
  const uuid = await deployFiles(api.url, files, `sleep ${outageSeconds + 5}`)
  await untilState(api.url, uuid, 'running')
  await someMoment(3000)
  await stopKubelet(async () => expect((await jobOf(uuid)).state).toBe('running'))
  await expectComplete(uuid)
})

fault('the worker ends while the kubelet is down → complete', 90, async () => {
  const uuid = await deployFiles(api.url, files, 'sleep 3')
  await untilState(api.url, uuid, 'running')
  await stopKubelet(async () => expect((await jobOf(uuid)).state).toBe('running'))
  await expectComplete(uuid)
})

fault('the kubelet is down while the uploader stores → complete', 90, async () => {
  await proxy.setFault({ kind: 'throttle', bytesPerSecond: 50_000 })
  const uuid = await deployFiles(api.url, files)
  await untilState(api.url, uuid, 'storing')
  await untilStored(api, uuid, 20)
  await stopKubelet(() => proxy.setFault({ kind: 'pass' }))
  await expectComplete(uuid)
})

async function stopKubelet(meanwhile: () => Promise<void>): Promise<void> {
  await using _kubelet = await killNodeProcess('kubelet')
  await outage()
  await meanwhile()
}

async function expectComplete(uuid: string): Promise<void> {
  const job = await waitForFinal(api.url, uuid, 60)
  const { count } = files
  expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, result: { state: 'complete', count } })
  expect(job.attempt).toMatchObject({ number: 1 })
  // A kubelet serves no logs in the first second after its start.
  await eventually(async () => expect(await damageOf(api.url, uuid)).toEqual([]))
  await removeJob(api, uuid)
}

function jobOf(uuid: string): Promise<Job> {
  return getJson<Job>(`${api.url}/job/${uuid}`)
}
