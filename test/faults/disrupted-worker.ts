import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Entry } from '../../src/artifact/entry.ts'
import type { Job } from '../../src/job/job.ts'
import { kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, postJson } from '../support/http.ts'
import { busybox } from '../support/on-cluster.ts'
import { sha256OfPatterned, writePatterned } from '../support/patterned.ts'
import { type JobPod, nextPod } from '../support/pods.ts'

/** What every attempt writes first, in a file of its pod's name: no two attempts have the same. */
const ownBytes = 3_000_000

/** A worker that works for `seconds` and does `onTerm` (shell) when it is told to end. */
export function worker(onTerm: string, seconds = 6) {
  return busybox(
    [
      `trap '${onTerm}' TERM`,
      writePatterned('/output/$HOSTNAME', '$HOSTNAME', ownBytes),
      'touch /tmp/begun',
      `i=0; while [ $i -lt ${seconds * 10} ]; do sleep 0.1; i=$((i+1)); done`,
      'echo end > /output/end',
    ].join('; '),
  )
}

export async function deploy(url: string, request: object): Promise<string> {
  const { status, body } = await postJson(`${url}/job/deploy`, request)
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

/** The newest attempt's pod, once its worker has written its file and waits. */
export async function atWork(
  namespace: string,
  uuid: string,
  others: readonly JobPod[] = [],
): Promise<JobPod> {
  const pod = await nextPod(namespace, uuid, others)
  // Not by its log: kubelets have removed the folder of a pod that was seconds old (seen).
  const looked = ['-n', namespace, 'exec', pod.name, '-c', 'worker', '--', 'test', '-e', '/tmp/begun']
  await eventually(() => kubectl(...looked), { within: 30_000 })
  return pod
}

/** A file by name and what is to be in it. */
export const ownFile = ({ name }: JobPod): [string, string] => [name, sha256OfPatterned(name, ownBytes)]
export const textFile = (name: string): [string, string] => [name, sha256(Buffer.from(`${name}\n`))]

/** The results are these files and no others, as the list says and as they are read. */
export async function expectFiles(url: string, uuid: string, files: readonly [string, string][]) {
  const expected = files.toSorted(([a], [b]) => (a < b ? -1 : 1))
  const { files: listed } = await getJson<{ files: Entry[] }>(`${url}/job/${uuid}/result/list`)
  expect(listed.map(({ path, sha256 }) => [path, sha256])).toEqual(expected)
  for (const [path, digest] of expected) {
    const response = await fetch(`${url}/job/${uuid}/result?file=${path}`)
    expect(response.status).toBe(200)
    const hash = createHash('sha256')
    for await (const chunk of response.body ?? []) hash.update(chunk as Uint8Array)
    expect(hash.digest('hex')).toBe(digest)
  }
}

/** The job while it waits for the attempt that follows a disruption. */
export function untilAwaited(url: string, uuid: string, next: number): Promise<Job> {
  return eventually(
    async () => {
      const job = await getJson<Job>(`${url}/job/${uuid}`)
      expect(job.state).toBe('queued')
      expect(job.message).toContain(`attempt ${next} follows`)
      return job
    },
    { within: 60_000, every: 50 },
  )
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
