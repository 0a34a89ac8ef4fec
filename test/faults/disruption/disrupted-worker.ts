import { createHash } from 'node:crypto'
import { busybox } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { type JobPod, nextPod } from '../../support/cluster/pods.ts'
import { sha256OfPatterned, writePatterned } from '../../support/files/patterned.ts'
import { eventually } from '../../support/time/eventually.ts'

/** Bytes of each attempt's first file; the pod's name is its name and its content's seed. */
const ownBytes = 3_000_000

/** A worker that works until letEnd() and runs `onTerm` (shell) on SIGTERM. */
export function worker(onTerm: string) {
  return busybox(
    [
      `trap '${onTerm}' TERM`,
      writePatterned('/output/$HOSTNAME', '$HOSTNAME', ownBytes),
      'touch /tmp/begun',
      'i=0; while [ ! -e /tmp/go ] && [ $i -lt 6000 ]; do sleep 0.1; i=$((i+1)); done',
      'echo end > /output/end',
    ].join('; '),
  )
}

/** Waits until the newest attempt's worker has written its first file; resolves with the pod. */
export async function atWork(
  namespace: string,
  uuid: string,
  others: readonly JobPod[] = [],
): Promise<JobPod> {
  const pod = await nextPod(namespace, uuid, others)
  // Not from the log: a kubelet may remove the log folder of a pod that is seconds old.
  await inWorker(namespace, pod, 'test', '-e', '/tmp/begun')
  return pod
}

/** Lets the worker of a pod that is atWork() come to its own end. */
export async function letEnd(namespace: string, pod: JobPod): Promise<void> {
  await inWorker(namespace, pod, 'touch', '/tmp/go')
}

/** Runs a command in the worker's container until it succeeds. */
async function inWorker(namespace: string, { name }: JobPod, ...command: string[]): Promise<void> {
  const run = ['-n', namespace, 'exec', name, '-c', 'worker', '--', ...command]
  await eventually(() => kubectl(...run), { within: 30_000 })
}

/** A file's name and its expected SHA-256 in hex. */
export const ownFile = ({ name }: JobPod): [string, string] => [name, sha256OfPatterned(name, ownBytes)]
export const textFile = (name: string): [string, string] => [name, sha256(Buffer.from(`${name}\n`))]

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
