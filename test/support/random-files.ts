import { createHash } from 'node:crypto'
import type { Entry } from '../../src/artifact/entry.ts'
import type { Job } from '../../src/job/job.ts'
import { objectKeys } from './bucket.ts'
import { kubectl } from './cluster.ts'
import { eventually } from './eventually.ts'
import { getJson, postJson } from './http.ts'
import { busybox, type OnCluster } from './on-cluster.ts'

export interface RandomFiles {
  count: number
  /** Of each. */
  bytes: number
  /** One more file of that size, the last by name. */
  largeMebibytes?: number
}

/**
 * Deploys a job whose worker writes files of random bytes, their SHA-256 into its log, and then goes on with `then`.
 * Gives the job's uuid.
 */
export async function deployFiles(
  url: string,
  { count, bytes, largeMebibytes }: RandomFiles,
  then = 'exit 0',
  fields: Record<string, unknown> = {},
): Promise<string> {
  const lines = [
    'set -e; cd $RESULT_DIRECTORY',
    `for i in $(seq 10001 ${10_000 + count}); do head -c ${bytes} /dev/urandom > file-$i; done`,
    ...(largeMebibytes === undefined ? [] : [`head -c ${largeMebibytes * 2 ** 20} /dev/urandom > large`]),
    'sha256sum *',
    then,
  ]
  const { status, body } = await postJson(`${url}/job/deploy`, { ...busybox(lines.join('\n')), ...fields })
  if (status !== 201) throw new Error(`POST /job/deploy: ${status} ${JSON.stringify(body)}`)
  return String(body.job_uuid)
}

/** What the worker says that it wrote: hex SHA-256 by path. */
export async function sumsOf(url: string, uuid: string): Promise<Map<string, string>> {
  const answer = await fetch(`${url}/job/${uuid}/log`)
  const log = await answer.text()
  if (answer.status !== 200) throw new Error(`GET /job/${uuid}/log: ${answer.status} ${log}`)
  const lines = log.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)
  return new Map(Array.from(lines, ([, sum = '', path = '']) => [path, sum]))
}

/** What differs, at most five of it, between a job's files, as the API gives their bytes, and what its worker says that it wrote. */
export async function damageOf(url: string, uuid: string): Promise<string[]> {
  const sums = await sumsOf(url, uuid)
  const { files } = await getJson<{ files: Entry[] }>(`${url}/job/${uuid}/result/list?limit=10000`)
  const damage: string[] = []
  const queue = files.filter(({ type }) => type === 'file')
  const readSome = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { path = '', sha256 } = file
      const answer = await fetch(`${url}/job/${uuid}/result?file=${encodeURIComponent(path)}`)
      const read = createHash('sha256').update(Buffer.from(await answer.arrayBuffer()))
      const digest = read.digest('hex')
      const isRight = answer.status === 200 && sums.get(path) === digest && sha256 === digest
      if (!isRight)
        damage.push(`${path}: ${answer.status}, listed ${sha256}, read ${digest}, was ${sums.get(path)}`)
    }
  }
  await Promise.all(Array.from({ length: 8 }, readSome))
  return damage.slice(0, 5)
}

/** When each of a job's files came into the store, in milliseconds since the epoch, by key. */
export async function storedFiles({ client, bucket }: OnCluster, uuid: string): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for await (const { name, lastModified } of client.listObjectsV2(bucket, `jobs/${uuid}/`, true)) {
    if (name.includes('/files/')) found.set(name, lastModified.getTime())
  }
  return found
}

/** Waits until that many of a job's files are in the store. */
export async function untilStored(api: OnCluster, uuid: string, count: number): Promise<void> {
  await eventually(
    async () => {
      const { size } = await storedFiles(api, uuid)
      if (size >= count) return
      const job = await getJson<Job>(`${api.url}/job/${uuid}`)
      throw new Error(`${size} of ${count} files stored, ${job.state}: ${job.reason}: ${job.message}`)
    },
    { within: 60_000 },
  )
}

/** Waits until a checkpoint of the job names files (its head and end alone are shorter) that was written after `since`. */
export async function untilCheckpointed(
  { client, bucket }: OnCluster,
  uuid: string,
  since = 0,
): Promise<void> {
  const headBytes = 2000
  await eventually(
    async () => {
      for await (const { name, size, lastModified } of client.listObjectsV2(bucket, `jobs/${uuid}/`, true)) {
        if (name.includes('/checkpoint/') && size > headBytes && lastModified.getTime() > since) return
      }
      throw new Error(`no checkpoint of job ${uuid} names files`)
    },
    { within: 40_000 },
  )
}

/** Deletes a job and waits until neither cluster nor bucket has anything of it. */
export async function removeJob({ url, namespace, client, bucket }: OnCluster, uuid: string): Promise<void> {
  const { status } = await fetch(`${url}/job/${uuid}`, { method: 'DELETE' })
  if (status !== 204) throw new Error(`DELETE /job/${uuid}: ${status}`)
  const kinds = 'jobs,pods,secrets,configmaps,persistentvolumeclaims'
  await eventually(
    async () => {
      // By name: a claim of a pod has no labels of ours.
      const objects = await kubectl('-n', namespace, 'get', kinds, '-o', 'name')
      const left = objects.split('\n').filter((name) => name.includes(uuid))
      const keys = await objectKeys(client, bucket, `jobs/${uuid}/`)
      if (left.length + keys.length > 0)
        throw new Error(`left of job ${uuid}: ${[...left, ...keys].join(', ')}`)
    },
    // Kubernetes' collector begins anew after the API server was away.
    { within: 150_000, every: 500 },
  )
}
