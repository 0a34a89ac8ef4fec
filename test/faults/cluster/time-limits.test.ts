import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import { postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { applyManifests } from '../../support/cluster/cluster.ts'
import { sha256OfPatterned, writePatterned } from '../../support/files/patterned.ts'
import { expectAllRemoved } from '../all-removed.ts'
import { expectWritten } from '../as-written.ts'
import { fault } from '../plan.ts'
import { behindProxy } from './behind-proxy.ts'

const mebibyte = 2 ** 20

fault(
  'loading the inputs takes longer than timeout_seconds → the limit begins with the worker, complete',
  60,
  async () => {
    await using slow = await behindProxy()
    await slow.proxy.setFault({ kind: 'throttle', bytesPerSecond: mebibyte })
    const form = new FormData()
    const input = Buffer.alloc(12 * mebibyte, 'input ')
    const script = 'sleep 1; cp /input/large $RESULT_DIRECTORY/copy'
    form.set('request', JSON.stringify({ ...busybox(script), timeout_seconds: 4 }))
    form.set('input', new Blob([input]), 'large')
    const response = await fetch(`${slow.url}/job/deploy`, { method: 'POST', body: form })
    expect(response.status).toBe(201)
    const { job_uuid: uuid } = (await response.json()) as { job_uuid: string }
    await untilState(slow.url, uuid, 'running')
    await slow.proxy.setFault({ kind: 'pass' })
    const job = await waitForFinal(slow.url, uuid, 60)
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: 1 } })
    expect(Date.parse(job.started_at ?? '') - Date.parse(job.created_at)).toBeGreaterThan(4000)
    await expectWritten(slow.url, uuid, new Map([['copy', sha256(input)]]))
    await expectAllRemoved(slow.url, slow.api)
  },
)

fault('the worker ends just before timeout_seconds, and its upload takes long → complete', 90, async () => {
  await using slow = await behindProxy()
  const uuid = await deploy(slow.url, `${writeLarge(64)}; sleep 3`, { timeout_seconds: 12 })
  await untilState(slow.url, uuid, 'running')
  await slow.proxy.setFault({ kind: 'throttle', bytesPerSecond: mebibyte })
  await untilState(slow.url, uuid, 'storing')
  const job = await waitForFinal(slow.url, uuid, 60)
  const seconds = (Date.now() - Date.parse(job.started_at ?? '')) / 1000
  expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: 1 } })
  expect(seconds).toBeGreaterThan(12)
  await expectWritten(slow.url, uuid, new Map([['large', sha256OfPatterned('large', 64 * mebibyte)]]))
  await expectAllRemoved(slow.url, slow.api)
})

fault('an upload takes longer than upload_timeout_seconds → UploadTimeout, partial', 90, async () => {
  await using slow = await behindProxy()
  const script = `${smallFiles(20)}; ${writeLarge(200)}; mv $RESULT_DIRECTORY/large $RESULT_DIRECTORY/zlarge; sleep 2`
  const uuid = await deploy(slow.url, script, { upload_timeout_seconds: 16 })
  await untilState(slow.url, uuid, 'running')
  await slow.proxy.setFault({ kind: 'throttle', bytesPerSecond: mebibyte })
  const job = await waitForFinal(slow.url, uuid, 60)
  expect(job).toMatchObject({
    state: 'failed',
    reason: 'UploadTimeout',
    result: { state: 'partial', count: 21 },
  })
  expect(job.message).toContain('16 s (`upload_timeout_seconds`)')
  expect(job.message).toMatch(/20 of 21 files, \d+ of 210 MB stored/)
  expect(job.message).toContain('1 of 21 entries is not stored whole; it is "zlarge"')
  const finished = Date.parse(job.finished_at ?? '')
  expect(Date.now() - finished).toBeLessThan(60_000)
  await slow.proxy.setFault({ kind: 'pass' })
  await expectWritten(slow.url, uuid, smallSums(20))
  await expectAllRemoved(slow.url, slow.api)
})

fault(
  'timeout_seconds pass, and the worker writes a file on SIGTERM → TimeoutExceeded, partial, with the file',
  60,
  async () => {
    await using api = await startOnCluster({ name: 'limits' })
    const script = `${smallFiles(3)}; trap 'echo last > $RESULT_DIRECTORY/last; exit 0' TERM; sleep 600 & wait`
    const uuid = await deploy(api.url, script, { timeout_seconds: 3, stop_grace_seconds: 60 })
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({ state: 'failed', reason: 'TimeoutExceeded', exit_code: 0 })
    expect(job.result).toMatchObject({ state: 'partial', count: 4 })
    expect(job.message).toContain('3 s')
    expect(ranFor(job)).toBeGreaterThanOrEqual(3)
    expect(ranFor(job)).toBeLessThan(45)
    await expectWritten(api.url, uuid, new Map([...smallSums(3), ['last', sha256('last\n')]]))
  },
)

fault(
  'timeout_seconds pass, and the worker ignores SIGTERM → killed after the grace, partial',
  60,
  async () => {
    await using api = await startOnCluster({ name: 'limits' })
    const script = `${smallFiles(3)}; trap "" TERM; while :; do sleep 1; done`
    const uuid = await deploy(api.url, script, { timeout_seconds: 3, stop_grace_seconds: 6 })
    const job = await waitForFinal(api.url, uuid, 60)
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'TimeoutExceeded',
      result: { state: 'partial', count: 3 },
    })
    expect(ranFor(job)).toBeGreaterThanOrEqual(9)
    expect(ranFor(job)).toBeLessThan(45)
    await expectWritten(api.url, uuid, smallSums(3))
    await expectAllRemoved(api.url, api)
  },
)

fault(
  'an attempt fails → the next one has its own timeout_seconds; a timeout itself is not repeated',
  90,
  async () => {
    await using api = await startOnCluster({ name: 'limits' })
    // The attempts share no storage: the pod's name in the file distinguishes them.
    const marked = await deploy(api.url, 'sleep 7; echo $HOSTNAME > $RESULT_DIRECTORY/name; exit 3', {
      timeout_seconds: 12,
      retries: 1,
    })
    const exceeding = await deploy(api.url, 'exec sleep 600', {
      timeout_seconds: 2,
      stop_grace_seconds: 2,
      retries: 3,
    })
    expect(await waitForFinal(api.url, exceeding, 60)).toMatchObject({
      state: 'failed',
      reason: 'TimeoutExceeded',
      attempt: { number: 1 },
    })
    expect(await waitForFinal(api.url, marked, 80)).toMatchObject({
      state: 'failed',
      reason: 'Error',
      exit_code: 3,
      attempt: { number: 2 },
      result: { state: 'partial', count: 1 },
    })
    await expectAllRemoved(api.url, api)
  },
)

fault(
  'a job doesn’t start within start_timeout_seconds → failed with the reason that blocked it',
  60,
  async () => {
    await using api = await startOnCluster({ name: 'limits' })
    const large = await deploy(api.url, 'exit 0', { cpu: '500', start_timeout_seconds: 12 })
    // The kubelet reports the missing ConfigMap only after the
    // uploader's start, late on a loaded node.
    const unnamed = await deploy(api.url, 'exit 0', {
      config_map_ref: ['env-none'],
      start_timeout_seconds: 30,
    })
    const [first, second] = await Promise.all([large, unnamed].map((uuid) => waitForFinal(api.url, uuid, 60)))
    expect(first).toMatchObject({ state: 'failed', reason: 'Unschedulable', result: { state: 'missing' } })
    expect(second).toMatchObject({ state: 'failed', reason: 'CreateContainerConfigError' })
    expect(first?.message).toContain('12 s after')
    expect(second?.message).toContain('30 s after')
    await expectAllRemoved(api.url, api)
  },
)

fault(
  'a second attempt finds no room within start_timeout_seconds → failed as the first attempt did',
  90,
  async () => {
    await using api = await startOnCluster({ name: 'limits' })
    const fields = { retries: 1, start_timeout_seconds: 25 }
    const uuid = await deploy(api.url, `${smallFiles(3)}; sleep 5; exit 3`, fields)
    await untilState(api.url, uuid, 'running')
    const metadata = { name: 'none', namespace: api.namespace }
    await applyManifests(
      JSON.stringify({ apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '0' } } }),
    )
    const job = await waitForFinal(api.url, uuid, 80)
    expect(job).toMatchObject({ state: 'failed', reason: 'Error', exit_code: 3, attempt: { number: 1 } })
    expect(Date.now() - Date.parse(job.finished_at ?? '')).toBeGreaterThan(25_000)
    await expectWritten(api.url, uuid, smallSums(3))
    await expectAllRemoved(api.url, api)
  },
)

fault('time limits pass while no API runs → the next leader enforces them at once', 90, async () => {
  await using apis: ApiOnCluster = await apiOnCluster({ name: 'limits', environment: { POD_UID: 'of-both' } })
  const first = await apis.start()
  const fields = { timeout_seconds: 5, stop_grace_seconds: 3 }
  const exceeding = await deploy(first.url, `${smallFiles(3)}; exec sleep 600`, fields)
  const blocked = await deploy(first.url, 'exit 0', { cpu: '500', start_timeout_seconds: 8 })
  await untilState(first.url, exceeding, 'running')
  await first.kill()
  await sleep(10_000)
  const second = await apis.start()
  const back = Date.now()
  const job = await waitForFinal(second.url, exceeding, 60)
  expect(job).toMatchObject({
    state: 'failed',
    reason: 'TimeoutExceeded',
    result: { state: 'partial', count: 3 },
  })
  // The dead API's Lease has to expire first, 15 s after its last renewal.
  expect(Date.now() - back).toBeLessThan(75_000)
  await expectWritten(second.url, exceeding, smallSums(3))
  expect(await waitForFinal(second.url, blocked, 60)).toMatchObject({
    state: 'failed',
    reason: 'Unschedulable',
  })
  await expectAllRemoved(second.url, apis)
})

async function deploy(url: string, script: string, fields: Record<string, unknown>): Promise<string> {
  const { status, body } = await postJson(`${url}/job/deploy`, { ...busybox(script), ...fields })
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

function writeLarge(mebibytes: number): string {
  return writePatterned('$RESULT_DIRECTORY/large', 'large', mebibytes * mebibyte)
}

function smallFiles(count: number): string {
  return `for i in $(seq ${count}); do echo small $i > $RESULT_DIRECTORY/$i; done`
}

function smallSums(count: number): Map<string, string> {
  const numbers = Array.from({ length: count }, (_, index) => String(index + 1))
  return new Map(numbers.map((number) => [number, sha256(`small ${number}\n`)]))
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Seconds between the worker's start and its end. */
function ranFor({ started_at: from, finished_at: to }: Job): number {
  return (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000
}
