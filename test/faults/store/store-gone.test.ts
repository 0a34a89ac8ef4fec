import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import {
  busybox,
  deleteJobs,
  type OnCluster,
  startOnCluster,
  untilState,
} from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { sha256OfPatterned, writePatterned } from '../../support/files/patterned.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import { type MinioProcess, startMinioProcess } from '../../support/store/minio-process.ts'
import { openUploads } from '../../support/store/open-uploads.ts'
import { eventually } from '../../support/time/eventually.ts'
import { expectWritten } from '../as-written.ts'
import { atLength, fault, outage } from '../plan.ts'
import { small, smallFiles } from './small-files.ts'
import { type Away, waysAway } from './ways-away.ts'

/*
 * The uploader loses the store, at every moment of a job and in every way. The API still reaches
 * the store, except under faults of the store itself: a kill, and refused credentials.
 */

const MB = 1_000_000
const largeBytes = 200 * MB
const manyFiles = 2000

let folder: string
let minio: MinioProcess
let proxy: FaultProxy
let api: OnCluster

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-gone-'))
  minio = await startMinioProcess({ folder })
  proxy = await startFaultProxy(minio.endpoint, given('NODE_ADDRESS'))
  const environment = { S3_ENDPOINT_FOR_PODS: proxy.url }
  api = await startOnCluster({ name: 'store-gone', store: minio, environment })
})
afterAll(async () => {
  await api?.close()
  await proxy?.close()
  await minio?.close()
  await rm(folder, { recursive: true, force: true })
})

const faults = waysAway(() => ({ proxy, minio }))
type FaultName = keyof typeof faults

const moments = {
  'before the worker starts': beforeTheWorkerStarts,
  'while the worker runs': whileTheWorkerRuns,
  'in the middle of a large file': inALargeFile,
  'in the middle of 2,000 small files': amongSmallFiles,
  'between the last file and the manifest': beforeTheManifest,
}
type Moment = keyof typeof moments

/** Each moment and each fault at least once. */
const pairs: [FaultName, Moment][] = [
  ['refuses connections', 'before the worker starts'],
  ['refuses the credentials', 'while the worker runs'],
  ['is killed', 'in the middle of a large file'],
  ['cuts its answers short', 'in the middle of a large file'],
  ['answers 503 SlowDown', 'in the middle of 2,000 small files'],
  ['resets connections', 'in the middle of 2,000 small files'],
  ['hangs', 'between the last file and the manifest'],
]
const allPairs = Object.keys(faults).flatMap((name) =>
  Object.keys(moments).map((moment) => [name, moment] as [FaultName, Moment]),
)

describe('a store that', () => {
  afterEach(() => proxy.setFault({ kind: 'pass' }))

  for (const [name, moment] of atLength ? allPairs : pairs) {
    fault(
      `${name} ${moment} → the job names the outage, then complete, and no finished file is sent again`,
      150,
      () => moments[moment](faults[name]),
    )
  }
  fault('was away at any moment → the jobs’ DELETE leaves nothing behind', 90, expectNothingLeft)
})

async function beforeTheWorkerStarts(away: Away): Promise<void> {
  await away.begin()
  const uuid = await deploy(`${small(50)}`)
  await eventually(async () => {
    const job = await jobOf(uuid)
    expect(job).toMatchObject({ state: 'preparing', reason: 'StoreUnavailable', started_at: null })
    expect(job.message).toContain(proxy.url)
  }, patience)
  await outage()
  expect(await jobOf(uuid)).toMatchObject({ state: 'preparing', started_at: null })
  await away.end()
  await succeeds(uuid, smallFiles(50))
}

async function whileTheWorkerRuns(away: Away): Promise<void> {
  const uuid = await deploy(`sleep 4; ${small(50)}`)
  await untilState(api.url, uuid, 'running')
  await away.begin()
  await reportsOutage(uuid, /of 50 files/)
  await outage()
  await away.end()
  await succeeds(uuid, smallFiles(50))
}

async function inALargeFile(away: Away): Promise<void> {
  await proxy.setFault({ kind: 'throttle', bytesPerSecond: 4 * MB })
  const before = proxy.requested
  const uuid = await deploy(writePatterned('$RESULT_DIRECTORY/large', 'large', largeBytes))
  await eventually(() => expect(proxy.requested - before).toBeGreaterThan(60 * MB), patience)
  await away.begin()
  await reportsOutage(uuid, /of 1 files, \d+ of 200 MB stored/)
  await outage()
  await away.end()
  const files = new Map([['large', sha256OfPatterned('large', largeBytes)]])
  await succeeds(uuid, files)
  // The four parts in flight at the outage come twice, beside a few short requests.
  const most = largeBytes + 4 * 8 * 1024 * 1024 + MB
  if (!away.takesRequests) expect(proxy.requested - before).toBeLessThan(most)
}

async function amongSmallFiles(away: Away): Promise<void> {
  await proxy.setFault({ kind: 'throttle', bytesPerSecond: 5000 })
  // An object for each file: `auto` would pack them.
  const uuid = await deploy(small(manyFiles), { result_layout: 'files' })
  // With their answers: a file whose answer is lost counts as unfinished.
  const answered = async () => {
    const latest = new Date(Date.now() - 2000).toISOString()
    return new Map([...(await storedFiles(uuid))].filter(([, written]) => written < latest))
  }
  const before = await eventually(async () => {
    const found = await answered()
    expect(found.size).toBeGreaterThan(300)
    return found
  }, patience)
  await away.begin()
  await reportsOutage(uuid, /of 2,000 files/)
  await outage()
  await away.end()
  await proxy.setFault({ kind: 'pass' })
  await succeeds(uuid, smallFiles(manyFiles), before)
  expect(before.size).toBeLessThan(manyFiles)
}

async function beforeTheManifest(away: Away): Promise<void> {
  const reached = proxy.setFaultAt(/^PUT \S+\/manifest\.ndjson /, { kind: 'hang' })
  const uuid = await deploy(small(50))
  await reached
  const before = await storedFiles(uuid)
  expect(before.size).toBe(50)
  await away.begin()
  await reportsOutage(uuid, /50 of 50 files/)
  await outage()
  await away.end()
  await succeeds(uuid, smallFiles(50), before)
}

const patience = { within: 60_000, every: 250 }

async function deploy(script: string, fields: object = {}): Promise<string> {
  const { status, body } = await postJson(`${api.url}/job/deploy`, { ...busybox(script), ...fields })
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

const jobOf = (uuid: string) => getJson<Job>(`${api.url}/job/${uuid}`)

/** Waits until the storing job's message names the outage and the progress. */
async function reportsOutage(uuid: string, progress: RegExp): Promise<void> {
  await eventually(async () => {
    const job = await jobOf(uuid)
    expect(job.state).toBe('storing')
    expect(job.message).toMatch(progress)
    // A hanging connection becomes a failure only after its timeout.
    if (job.reason === null) expect(job.message).toMatch(/no answer from the store for \d+ s/)
    else
      expect(job).toMatchObject({ reason: 'StoreUnavailable', message: expect.stringContaining(proxy.url) })
  }, patience)
}

/**
 * Expects a complete result of these files and the objects of `before` unchanged; deletes the job.
 */
async function succeeds(
  uuid: string,
  files: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  const job = await waitForFinal(api.url, uuid, 120, 200)
  expect(job, JSON.stringify(job)).toMatchObject({
    state: 'succeeded',
    reason: null,
    result: { state: 'complete' },
  })
  await expectWritten(api.url, uuid, files)
  const after = await storedFiles(uuid)
  const sentAgain = [...before].filter(([key, written]) => after.get(key) !== written)
  expect(sentAgain).toEqual([])
  expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
}

/**
 * For all jobs at once: a deletion takes until the pod's end, and
 * the next fault needn't wait for that.
 */
async function expectNothingLeft(): Promise<void> {
  // Failed tests leave their jobs.
  await deleteJobs(api.url, api.namespace)
  await eventually(async () => {
    const selector = 'app.kubernetes.io/managed-by=jobferry,jobferry.dev/job'
    const kinds = 'jobs,pods,secrets,configmaps'
    expect(await kubectl('-n', api.namespace, 'get', kinds, '-l', selector, '-o', 'name')).toBe('')
    expect(await objectKeys(api.client, api.bucket)).toEqual([])
    expect(await openUploads(folder)).toEqual([])
  }, patience)
}

/** Key of each stored result file → time of its last write as ISO 8601 with milliseconds. */
async function storedFiles(uuid: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const { name, lastModified } of api.client.listObjectsV2(api.bucket, `jobs/${uuid}/`, true)) {
    if (name.includes('/files/')) found.set(name, new Date(lastModified).toISOString())
  }
  return found
}
