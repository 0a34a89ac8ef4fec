import { buffer } from 'node:stream/consumers'
import { expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import type { ListedEntry, ResultList } from '../../../src/results/list.ts'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { beginDownload, download, outcomeOf } from '../../support/api/download.ts'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import { patterned, writePatterned } from '../../support/files/patterned.ts'
import { objectKeys, testStore } from '../../support/store/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import { s3Store } from '../../support/store/s3-store.ts'

const MiB = 1024 * 1024
export const sizes = { none: 0, one: 1, chunk: 60_000, chunks: 3 * MiB, huge: 66 * MiB }
type Size = keyof typeof sizes

const files: Record<string, Size> = {
  none: 'none',
  ...Object.fromEntries(
    ['short', 'other', 'gone', 'back'].flatMap((name) =>
      (['one', 'chunk', 'chunks'] as const).map((size) => [`${name}/${size}`, size]),
    ),
  ),
  huge: 'huge',
  'changed/huge': 'huge',
}
export const paths = Object.keys(files)
/** Enough files to make the API read the manifest in parts. */
const manyFiles = 2500
export const entries = paths.length + manyFiles + ['many', 'short', 'other', 'gone', 'back', 'changed'].length

export function sizeOf(path: string): number {
  return sizes[files[path] ?? 'none']
}

export function contentOf(path: string): Buffer {
  return patterned(path, sizeOf(path))
}

/** A real job's results: the test damages them directly in the store and reads them with curl. */
export class DamagedResults {
  readonly cluster: ApiOnCluster
  readonly api: ApiProcess
  /** Between the API and the store. */
  readonly proxy: FaultProxy
  #uuid = ''
  #attempt = ''
  /** Of the files that the uploader sent in parts: it depends on the store's distance. */
  #partSize = 0
  readonly #changed = new Set<string>()

  private constructor(cluster: ApiOnCluster, api: ApiProcess, proxy: FaultProxy) {
    this.cluster = cluster
    this.api = api
    this.proxy = proxy
  }

  static async make(): Promise<DamagedResults> {
    const proxy = await startFaultProxy(testStore().endpoint)
    const cluster = await apiOnCluster({ name: 'wrong-bytes', environment: { S3_ENDPOINT: proxy.url } })
    const results = new DamagedResults(cluster, await cluster.start(), proxy)
    const script = `cd /output && mkdir many short other gone back changed
      ${paths.map((path) => writePatterned(path, path, sizeOf(path))).join('\n')}
      for i in $(seq ${manyFiles}); do echo $i > many/$i; done`
    // An object for each file, which the faults damage one by one.
    const job = await results.finish(script, { result_layout: 'files' })
    results.#uuid = job.job_uuid
    results.#attempt = job.attempt?.uid ?? ''
    results.#partSize = await results.#partSizeOf('changed/huge')
    expect(results.#partSize).toBeGreaterThan(0)
    return results
  }

  async close(): Promise<void> {
    await this.proxy.setFault({ kind: 'pass' })
    await this.cluster.close()
    await this.proxy.close()
  }

  get uuid(): string {
    return this.#uuid
  }

  /** Runs a job and expects it to succeed with a complete result. */
  async finish(script: string, fields: object = {}): Promise<Job> {
    const { body } = await postJson(`${this.api.url}/job/deploy`, { ...busybox(script), ...fields })
    const job = await waitForFinal(this.api.url, String(body.job_uuid), 150)
    expect(job, JSON.stringify(job)).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
    return job
  }

  url(rest = '', base = this.api.url): string {
    return `${base}/job/${this.#uuid}/result${rest}`
  }

  fileUrl(path: string): string {
    return this.url(`?file=${encodeURIComponent(path)}`)
  }

  async read(path: string): Promise<string> {
    return await (await this.begin(path)).outcome
  }

  async readRange(path: string, first: number, last: number): Promise<string> {
    return await (await this.beginRange(path, first, last)).outcome
  }

  /** As read(); resolves once the first bytes have come. */
  async begin(path: string): Promise<{ outcome: Promise<string> }> {
    const { ended } = await beginDownload(this.fileUrl(path))
    return { outcome: ended.then((whole) => outcomeOf(whole, contentOf(path))) }
  }

  /** As readRange(); resolves once the first bytes have come. */
  async beginRange(path: string, first: number, last: number): Promise<{ outcome: Promise<string> }> {
    const { ended } = await beginDownload(this.fileUrl(path), '-r', `${first}-${last}`)
    const outcome = ended.then((part) => {
      expect([206, 500]).toContain(part.status)
      return outcomeOf(part, contentOf(path).subarray(first, last + 1))
    })
    return { outcome }
  }

  async list(query = '?', base = this.api.url): Promise<ResultList> {
    return await getJson<ResultList>(this.url(`/list${query}&limit=10000`, base))
  }

  /** The sorted paths that the result list names as damaged. */
  async damaged(query?: string, base?: string): Promise<(string | undefined)[]> {
    return damagedIn((await this.list(query, base)).files)
  }

  /** The same paths from the result list as NDJSON. */
  async damagedLines(query = '', base = this.api.url): Promise<(string | undefined)[]> {
    const { body } = await download(this.url(`/list${query}`, base), '-H', 'Accept: application/x-ndjson')
    const lines = body.toString().trimEnd().split('\n')
    return damagedIn(lines.map((line) => JSON.parse(line) as ListedEntry))
  }

  logs(message: string, name: string): boolean {
    return this.api.log.some((line) => line.includes(message) && line.includes(name))
  }

  /** The size of the parts that the uploader chose for a file; its ETag ends with their number. */
  async #partSizeOf(path: string): Promise<number> {
    const { etag } = await this.cluster.client.statObject(this.cluster.bucket, this.#keyOf(path))
    const parts = Number(/-(\d+)$/.exec(etag)?.[1] ?? 1)
    return [8, 16].map((size) => size * MiB).find((size) => Math.ceil(sizeOf(path) / size) === parts) ?? 0
  }

  /** Overwrites a file's object; more than `partSize` bytes make a multipart upload. */
  async replace(path: string, bytes: Buffer, partSize = this.#partSize): Promise<void> {
    this.#changed.add(path)
    const store = s3Store(testStore(), this.cluster.bucket)
    const key = this.#keyOf(path)
    if (bytes.length <= partSize) await store.put(key, bytes)
    else {
      const upload = await store.createUpload(key, partSize)
      const parts = []
      for (let start = 0; start < bytes.length; start += partSize) {
        parts.push(await store.putPart(upload, parts.length + 1, bytes.subarray(start, start + partSize)))
      }
      await store.completeUpload(upload, parts)
    }
    await store.close()
  }

  async remove(path: string): Promise<void> {
    this.#changed.add(path)
    await this.cluster.client.removeObject(this.cluster.bucket, this.#keyOf(path))
  }

  /** Restores the changed objects in the uploader's part size, which gives the original ETags. */
  async restore(): Promise<void> {
    for (const path of this.#changed) {
      await this.replace(path, contentOf(path))
      await download(this.fileUrl(path))
    }
    this.#changed.clear()
  }

  async objectOf(key: string): Promise<Buffer> {
    return await buffer(await this.cluster.client.getObject(this.cluster.bucket, key))
  }

  /** Another size of parts than the uploader's: the same bytes get another ETag. */
  get otherPartSize(): number {
    return this.#partSize === 8 * MiB ? 16 * MiB : 8 * MiB
  }

  get manifestKey(): string {
    return `jobs/${this.#uuid}/${this.#attempt}/manifest.ndjson`
  }

  /** The keys in the bucket that contain the job's uuid. */
  async keysOf(uuid: string): Promise<string[]> {
    const keys = await objectKeys(this.cluster.client, this.cluster.bucket)
    return keys.filter((key) => key.includes(uuid))
  }

  #keyOf(path: string): string {
    return `jobs/${this.#uuid}/${this.#attempt}/files/${path}`
  }
}

function damagedIn(listed: readonly ListedEntry[]): (string | undefined)[] {
  return listed.filter(({ damage }) => damage !== undefined).map(({ path }) => path)
}
