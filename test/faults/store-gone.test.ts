import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { objectKeys } from '../support/bucket.ts'
import { kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { getJson, postJson, waitForFinal } from '../support/http.ts'
import { type MinioProcess, startMinioProcess } from '../support/minio-process.ts'
import { busybox, deleteJobs, type OnCluster, startOnCluster, untilState } from '../support/on-cluster.ts'
import { sha256OfPatterned, writePatterned } from '../support/patterned.ts'
import { given } from '../support/test-run.ts'
import { expectWritten } from './as-written.ts'
import { atLength, fault, outage } from './plan.ts'

/*
 * The store goes away from the uploader, at every moment of a job and in every way. The API keeps its own way to it,
 * but for the faults of the store itself: a kill, and keys that it refuses.
 */

const MB = 1_000_000
const largeBytes = 200 * MB
const manyFiles = 2000

interface Away {
  /** Requests arrive whole, so what has no answer is sent in vain. */
  takesRequests?: boolean
  begin(): Promise<void>
  end(): Promise<void>
}

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

const byProxy = (kind: 'refuse' | 'reset' | 'slow-down' | 'hang'): Away => ({
  begin: () => proxy.setFault({ kind }),
  end: () => proxy.setFault({ kind: 'pass' }),
})

const faults = {
  'refuses connections': byProxy('refuse'),
  'resets connections': byProxy('reset'),
  'answers 503 SlowDown': byProxy('slow-down'),
  hangs: byProxy('hang'),
  'cuts its answers short': {
    takesRequests: true,
    begin: () => proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 100 }),
    end: () => proxy.setFault({ kind: 'pass' }),
  },
  'refuses the credentials': {
    begin: async () => {
      await minio.kill()
      await minio.start({ accessKey: minio.accessKey, secretKey: 'another-secret' })
      await proxy.setFault({ kind: 'pass' })
    },
    end: async () => {
      await minio.kill()
      await minio.start()
    },
  },
  'is killed': {
    begin: async () => {
      await minio.kill()
      await proxy.setFault({ kind: 'pass' })
    },
    end: () => minio.start(),
  },
} satisfies Record<string, Away>
type FaultName = keyof typeof faults

const moments = {
  'before the worker starts': beforeTheWorkerStarts,
  'while the worker runs': whileTheWorkerRuns,
  'in the middle of a large file': inALargeFile,
  'in the middle of 2,000 small files': amongSmallFiles,
  'between the last file and the manifest': beforeTheManifest,
}
type Moment = keyof typeof moments

/** Each moment and each fault, once at least. */
const pairs: [FaultName, Moment][] = [
  ['refuses connections', 'before the worker starts'],
  ['refuses the credentials', 'while the worker runs'],
  ['is killed', 'in the middle of a large file'],
  ['cuts its answers short', 'in the middle of a large file'],
  ['answers 503 SlowDown', 'in the middle of 2,000 small files'],
  ['resets connections', 'in the middle of 2,000 small files'],
  ['is killed', 'between the last file and the manifest'],
  ['hangs', 'between the last file and the manifest'],
]
const allPairs = Object.keys(faults).flatMap((name) =>
  Object.keys(moments).map((moment) => [name, moment] as [FaultName, Moment]),
)

describe('a store that', () => {
  afterEach(() => proxy.setFault({ kind: 'pass' }))

  for (const [name, moment] of atLength ? allPairs : pairs) {
    fault(
      `${name} ${moment} → complete, nothing finished is sent again, and the job says so meanwhile`,
      150,
      () => moments[moment](faults[name]),
    )
  }
  fault('was away at any moment → leaves nothing behind after the jobs’ DELETE', 90, expectNothingLeft)
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
  await saysSo(uuid, /of 50 files/)
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
  await saysSo(uuid, /of 1 files, \d+ of 200 MB stored/)
  await outage()
  await away.end()
  const files = new Map([['large', sha256OfPatterned('large', largeBytes)]])
  await succeeds(uuid, files)
  // The four parts that were under way, and a few short requests.
  const most = largeBytes + 4 * 8 * 1024 * 1024 + MB
  if (!away.takesRequests) expect(proxy.requested - before).toBeLessThan(most)
}

async function amongSmallFiles(away: Away): Promise<void> {
  await proxy.setFault({ kind: 'throttle', bytesPerSecond: 10_000 })
  const uuid = await deploy(small(manyFiles))
  const stored = () => storedFiles(uuid)
  await eventually(async () => expect((await stored()).size).toBeGreaterThan(300), patience)
  const before = await stored()
  // Their answers have to arrive: one that is lost is not of a finished file.
  await sleep(500)
  await away.begin()
  await saysSo(uuid, /of 2,000 files/)
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
  await saysSo(uuid, /50 of 50 files/)
  await outage()
  await away.end()
  await succeeds(uuid, smallFiles(50), before)
}

const patience = { within: 60_000, every: 250 }

async function deploy(script: string): Promise<string> {
  const { status, body } = await postJson(`${api.url}/job/deploy`, busybox(script))
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

const jobOf = (uuid: string) => getJson<Job>(`${api.url}/job/${uuid}`)

/** A job that is storing tells its callers why it takes so long, and how far it is. */
async function saysSo(uuid: string, progress: RegExp): Promise<void> {
  await eventually(async () => {
    const job = await jobOf(uuid)
    expect(job.state).toBe('storing')
    expect(job.message).toMatch(progress)
    // A connection that hangs is a failure only after its timeout.
    if (job.reason === null) expect(job.message).toMatch(/no answer from the store for \d+ s/)
    else
      expect(job).toMatchObject({ reason: 'StoreUnavailable', message: expect.stringContaining(proxy.url) })
  }, patience)
}

/** Ends complete, with these files, and those of `before` as they were; then it is deleted. */
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

/** Of all jobs, most of them deleted meanwhile: removing each takes a pod's end, which the next fault needn't wait for. */
async function expectNothingLeft(): Promise<void> {
  // Those of tests that failed.
  await deleteJobs(api.url, api.namespace)
  await eventually(async () => {
    const selector = 'app.kubernetes.io/managed-by=jobferry,jobferry.dev/job'
    const kinds = 'jobs,pods,secrets,configmaps'
    expect(await kubectl('-n', api.namespace, 'get', kinds, '-l', selector, '-o', 'name')).toBe('')
    expect(await objectKeys(api.client, api.bucket)).toEqual([])
    expect(await openUploads()).toEqual([])
  }, patience)
}

/** Key → when it was written, to the millisecond, of the result files that the store has. */
async function storedFiles(uuid: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const { name, lastModified } of api.client.listObjectsV2(api.bucket, `jobs/${uuid}/`, true)) {
    if (name.includes('/files/')) found.set(name, new Date(lastModified).toISOString())
  }
  return found
}

/** What MinIO keeps of uploads in parts, which it lists for an exact key alone. */
async function openUploads(): Promise<string[]> {
  const names = await readdir(join(folder, '.minio.sys/multipart'), { recursive: true }).catch(() => [])
  return names.filter((name) => name.endsWith('xl.meta'))
}

function small(count: number): string {
  return `cd $RESULT_DIRECTORY; i=0; while [ $i -lt ${count} ]; do echo file $i > f$i; i=$((i+1)); done`
}

function smallFiles(count: number): Map<string, string> {
  return new Map(
    Array.from({ length: count }, (_, index) => [
      `f${index}`,
      createHash('sha256').update(`file ${index}\n`).digest('hex'),
    ]),
  )
}
