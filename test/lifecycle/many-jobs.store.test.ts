import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { type ApiProcess, startApiProcess } from '../support/api/api-process.ts'
import { getJson } from '../support/api/http.ts'
import { residentBytes } from '../support/process-facts.ts'
import { temporaryBucket } from '../support/store/bucket.ts'
import { type LargeResult, putFinishedJobs, putLargeResult } from '../support/store/finished-jobs.ts'
import { type RunningMinio, startMinio } from '../support/store/minio.ts'
import { s3Store } from '../support/store/s3-store.ts'

/*
 * Many jobs and a result of many files in the real store, read through an API of its own process.
 * test/bench/topics/scale.ts has ten times as many of both.
 */

const jobs = 1000
const files = 100_000
const MiB = 1024 * 1024

let minio: RunningMinio
let folder: string
let store: ArtifactStore
let api: ApiProcess
/** Newest first. */
let finished: string[]
let large: LargeResult

beforeAll(async () => {
  minio = await startMinio()
  folder = await mkdtemp(join(tmpdir(), 'jobferry-many-'))
  await writeFile(join(folder, 'sleep.yaml'), 'command: [sleep, "600"]\n')
  const { name: bucket } = await temporaryBucket(minio)
  const { endpoint, accessKey, secretKey } = minio
  store = s3Store(minio, bucket)
  large = await putLargeResult(store, files, Date.now() - 60_000)
  finished = [large.uuid, ...(await putFinishedJobs(store, jobs, Date.now() - 120_000, { results: false }))]
  api = await startApiProcess({
    DATA_DIRECTORY: join(folder, 'data'),
    JOBS_DIRECTORY: folder,
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_ACCESS_KEY: accessKey,
    S3_SECRET_KEY: secretKey,
  })
})
afterAll(async () => {
  await api?.stop()
  await store?.close()
  await minio.stop()
  await rm(folder, { recursive: true, force: true })
})

it('lists every job once, newest first, the live ones among those that the store has', async () => {
  const live = [await deploy(), await deploy()].reverse()
  const all = [...live, ...finished]
  for (const limit of [33, 100, 10_000]) {
    const listed = await pages<{ jobs: Job[] }>(`/job?limit=${limit}`)
    const sizes = listed.map((page) => page.jobs.length)
    expect(sizes.slice(0, -1).every((size) => size === limit)).toBe(true)
    expect(listed.flatMap((page) => page.jobs.map((job) => job.job_uuid))).toEqual(all)
  }
  for (const uuid of live) await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })
})

it('goes on behind a job that was deleted since it was listed', async () => {
  const first = await page<{ jobs: Job[] }>('/job?limit=50')
  const [gone] = finished.splice(49, 1)
  expect(first.jobs.at(-1)?.job_uuid).toBe(gone)
  expect((await fetch(`${api.url}/job/${gone}`, { method: 'DELETE' })).status).toBe(204)
  const second = await page<{ jobs: Job[] }>(first.next ?? '')
  expect(second.jobs.map((job) => job.job_uuid)).toEqual(finished.slice(49, 99))
})

it('lists 100,000 files in order, and reads one of them, without much memory', async () => {
  const list = `/job/${large.uuid}/result/list`
  interface Files {
    count: number
    files: { path: string }[]
  }
  const read = async () => (await pages<Files>(`${list}?limit=10000`)).flatMap((one) => one.files)
  const paths = (await read()).map((file) => file.path)
  expect(paths).toEqual(Array.from({ length: files }, (_, index) => large.path(index)))
  const after = encodeURIComponent(large.path(54_320))
  const { count, files: some } = await page<Files>(`${list}?limit=3&after=${after}`)
  expect(count).toBe(files)
  expect(some.map((file) => file.path)).toEqual([54_321, 54_322, 54_323].map(large.path))
  const answer = await fetch(`${api.url}/job/${large.uuid}/result?file=${large.path(77_000)}`)
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(large.content)
  expect(await residentBytes(api.pid)).toBeLessThan(400 * MiB)
})

it('begins a tar of 100,000 files at once', async () => {
  const answer = await fetch(`${api.url}/job/${large.uuid}/result?format=tar`)
  const reader = answer.body?.getReader()
  let begin = Buffer.alloc(0)
  while (!begin.includes(large.content)) {
    const { value } = (await reader?.read()) ?? {}
    if (value === undefined) break
    begin = Buffer.concat([begin, value])
  }
  await reader?.cancel()
  expect(begin.indexOf(large.path(0))).toBeLessThan(4096)
  expect(begin.includes(large.content)).toBe(true)
  expect(await residentBytes(api.pid)).toBeLessThan(400 * MiB)
})

async function deploy(): Promise<string> {
  return (await getJson<{ job_uuid: string }>(`${api.url}/job/deploy?job=sleep`)).job_uuid
}

type Page<T> = T & { next: string | null }

function page<T>(path: string): Promise<Page<T>> {
  return getJson<Page<T>>(api.url + path)
}

async function pages<T>(path: string): Promise<T[]> {
  const all: T[] = []
  for (let next: string | null = path; next !== null; ) {
    const one: Page<T> = await page<T>(next)
    all.push(one)
    next = one.next
  }
  return all
}
