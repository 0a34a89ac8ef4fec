import { buffer } from 'node:stream/consumers'
import { expect } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/artifact/s3.ts'
import type { Job } from '../../../src/job/job.ts'
import type { ListedEntry, ResultList } from '../../../src/result/list.ts'
import { type ApiOnCluster, apiOnCluster } from '../../support/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api-process.ts'
import { objectKeys, testStore } from '../../support/bucket.ts'
import { download, outcomeOf } from '../../support/download.ts'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { getJson, postJson, waitForFinal } from '../../support/http.ts'
import { busybox } from '../../support/on-cluster.ts'
import { patterned, writePatterned } from '../../support/patterned.ts'

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
/** So many that the manifest is read in parts. */
const manyFiles = 2500
export const entries = paths.length + manyFiles + ['many', 'short', 'other', 'gone', 'back', 'changed'].length

export function sizeOf(path: string): number {
  return sizes[files[path] ?? 'none']
}

export function contentOf(path: string): Buffer {
  return patterned(path, sizeOf(path))
}

/** A real job's results, which are damaged in the store behind the API's back, and read with curl. */
export class DamagedResults {
  readonly cluster: ApiOnCluster
  readonly api: ApiProcess
  /** Between the API and the store. */
  readonly proxy: FaultProxy
  #uuid = ''
  #attempt = ''
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
    const job = await results.finish(`cd /output && mkdir many short other gone back changed
      ${paths.map((path) => writePatterned(path, path, sizeOf(path))).join('\n')}
      for i in $(seq ${manyFiles}); do echo $i > many/$i; done`)
    results.#uuid = job.job_uuid
    results.#attempt = job.attempt?.uid ?? ''
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

  /** Runs a job to its good end. */
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
    return outcomeOf(await download(this.fileUrl(path)), contentOf(path))
  }

  async readRange(path: string, first: number, last: number): Promise<string> {
    const part = await download(this.fileUrl(path), '-r', `${first}-${last}`)
    expect([206, 500]).toContain(part.status)
    return outcomeOf(part, contentOf(path).subarray(first, last + 1))
  }

  async list(query = '?', base = this.api.url): Promise<ResultList> {
    return await getJson<ResultList>(this.url(`/list${query}&limit=10000`, base))
  }

  /** Paths that the list names as damaged, sorted. */
  async damaged(query?: string, base?: string): Promise<(string | undefined)[]> {
    return damagedIn((await this.list(query, base)).files)
  }

  /** The same of the list as NDJSON. */
  async damagedLines(query = '', base = this.api.url): Promise<(string | undefined)[]> {
    const { body } = await download(this.url(`/list${query}`, base), '-H', 'Accept: application/x-ndjson')
    const lines = body.toString().trimEnd().split('\n')
    return damagedIn(lines.map((line) => JSON.parse(line) as ListedEntry))
  }

  logs(message: string, name: string): boolean {
    return this.api.log.some((line) => line.includes(message) && line.includes(name))
  }

  /** Writes other bytes, in parts of that size where there are more. */
  async replace(path: string, bytes: Buffer, partSize = 8 * MiB): Promise<void> {
    this.#changed.add(path)
    const { endpoint, accessKey, secretKey } = testStore()
    const credentials = staticCredentials(accessKey, secretKey)
    const bucket = this.cluster.bucket
    const store = createS3Store({ endpoint, bucket, region: 'us-east-1', prefix: '', credentials })
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

  /** Puts back what was changed, in the parts that the uploader sends: the ETags are the same again. */
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

  get manifestKey(): string {
    return `jobs/${this.#uuid}/${this.#attempt}/manifest.ndjson`
  }

  /** What the store has of a job. */
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
