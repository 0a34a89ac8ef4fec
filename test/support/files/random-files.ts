import { createHash } from 'node:crypto'
import { unstoredError } from '../../../sidecar/pass/unstored.ts'
import type { Job } from '../../../src/job/job.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import { getJson, postJson } from '../api/http.ts'
import { busybox, type OnCluster } from '../api/on-cluster.ts'
import { kubectl } from '../cluster/cluster.ts'
import { objectKeys } from '../store/bucket.ts'
import { eventually } from '../time/eventually.ts'

export interface RandomFiles {
  count: number
  /** Size of each file. */
  bytes: number
  /** Size of one additional file, the last by name. */
  largeMebibytes?: number
}

/**
 * Deploys a job whose worker writes files of random bytes and their SHA-256 into its log, then
 * runs the shell script `then`. Resolves with the job's uuid.
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
  const { status, body } = await postJson(`${url}/job/deploy`, {
    ...busybox(lines.join('\n')),
    // storedFiles() counts objects.
    result_layout: 'files',
    ...fields,
  })
  if (status !== 201) throw new Error(`POST /job/deploy: ${status} ${JSON.stringify(body)}`)
  return String(body.job_uuid)
}

/** Path → SHA-256 in hex of the written files, from the worker's log. */
export async function sumsOf(url: string, uuid: string): Promise<Map<string, string>> {
  const answer = await fetch(`${url}/job/${uuid}/log`)
  const log = await answer.text()
  if (answer.status !== 200) throw new Error(`GET /job/${uuid}/log: ${answer.status} ${log}`)
  const lines = log.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)
  return new Map(Array.from(lines, ([, sum = '', path = '']) => [path, sum]))
}

/** Downloads a job's files and describes those that differ from the worker's log, five at most. */
export async function damageOf(url: string, uuid: string): Promise<string[]> {
  const sums = await sumsOf(url, uuid)
  const { files } = await getJson<{ files: Entry[] }>(`${url}/job/${uuid}/result/list?limit=10000`)
  const damage: string[] = []
  const queue = files.filter(({ type, error }) => type === 'file' && error !== unstoredError)
  const readRemaining = async () => {
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
  await Promise.all(Array.from({ length: 8 }, readRemaining))
  return damage.slice(0, 5)
}

/**
 * Key of each of the job's stored files → time of its last write in milliseconds since the epoch.
 */
export async function storedFiles({ client, bucket }: OnCluster, uuid: string): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for await (const { name, lastModified } of client.listObjectsV2(bucket, `jobs/${uuid}/`, true)) {
    if (name.includes('/files/')) found.set(name, lastModified.getTime())
  }
  return found
}

/** Waits until the store has `count` of the job's files. */
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

/** Waits for a checkpoint, written after `since`, that names files: without files it is shorter. */
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

/** Deletes a job and waits until neither the cluster nor the bucket has an object of it. */
export async function removeJob({ url, namespace, client, bucket }: OnCluster, uuid: string): Promise<void> {
  const { status } = await fetch(`${url}/job/${uuid}`, { method: 'DELETE' })
  if (status !== 204) throw new Error(`DELETE /job/${uuid}: ${status}`)
  const kinds = 'jobs,pods,secrets,configmaps,persistentvolumeclaims'
  await eventually(
    async () => {
      // By name, because a pod's claim doesn't carry Jobferry's labels.
      const objects = await kubectl('-n', namespace, 'get', kinds, '-o', 'name')
      const left = objects.split('\n').filter((name) => name.includes(uuid))
      const keys = await objectKeys(client, bucket, `jobs/${uuid}/`)
      if (left.length + keys.length > 0)
        throw new Error(`left of job ${uuid}: ${[...left, ...keys].join(', ')}`)
    },
    // Kubernetes' garbage collector starts again after an outage of the API server.
    { within: 150_000, every: 500 },
  )
}
