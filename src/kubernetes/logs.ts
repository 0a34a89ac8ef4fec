import { text } from 'node:stream/consumers'
import type { ContainerLog, LogOptions } from '../job/backend.ts'
import type { Api } from './api.ts'
import { uploaderStatus, workerStatus } from './attempt.ts'
import { containers } from './names.ts'
import { type Pod, timeOf } from './objects.ts'
import { hasStatus, StatusError } from './status-error.ts'

/** A first line so soon after the container's start is its first one; the start is known in whole seconds. */
const soonMilliseconds = 3_000

/**
 * A container's log from its node; undefined where the pod is gone or the container hasn't started.
 *
 * The kubelet gives out the newest file alone once it has rotated a log (at 10 MiB by default), without saying
 * so. A first line written soon after the container's start shows that nothing is missing; a later one may be
 * the first after a rotation or of a container that was silent for long, which nothing tells apart.
 */
export async function openLog(api: Api, pod: Pod, options: LogOptions): Promise<ContainerLog | undefined> {
  const { container, follow, tail, signal } = options
  try {
    const fromBeginning = tail === undefined ? await isFromBeginning(api, pod, options) : undefined
    const stream = await api.client.stream({
      method: 'GET',
      path: logPath(api, pod),
      query: { container: containers[container], follow: follow ?? false, tailLines: tail },
      accept: '*/*',
      ...(follow ? { endless: true } : {}),
      ...(signal === undefined ? {} : { signal }),
    })
    return { stream, ...(fromBeginning === undefined ? {} : { fromBeginning }) }
  } catch (error) {
    // 400: the container is waiting to start.
    if (hasStatus(error, 400, 404) && !isKubeletsIgnorance(error)) return undefined
    throw error
  }
}

/** For a second after its start a kubelet knows no pod (tried): the log is there all the same. */
function isKubeletsIgnorance(error: unknown): boolean {
  return error instanceof StatusError && error.status === 404 && error.kind === 'pods/log'
}

/** The last lines of a log that is read at once; empty where there is none. */
export async function readTail(api: Api, pod: Pod, options: LogOptions): Promise<string> {
  const log = await openLog(api, pod, { ...options, signal: AbortSignal.timeout(10_000) })
  return log === undefined ? '' : await text(log.stream)
}

async function isFromBeginning(api: Api, pod: Pod, options: LogOptions): Promise<boolean | undefined> {
  const startedAt = startOf(pod, options)
  if (startedAt === undefined) return undefined
  const stream = await api.client.stream({
    method: 'GET',
    path: logPath(api, pod),
    query: { container: containers[options.container], timestamps: true, limitBytes: 40 },
    accept: '*/*',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const firstLine = timeOf((await text(stream)).split(' ')[0])
  return firstLine !== undefined && firstLine - startedAt <= soonMilliseconds ? true : undefined
}

function startOf(pod: Pod, { container }: LogOptions): number | undefined {
  const status = container === 'worker' ? workerStatus(pod) : uploaderStatus(pod)
  // Only the newest run of a container that was started again has its log here.
  if (status === undefined || (status.restartCount ?? 0) > 0) return undefined
  return timeOf(status.state?.running?.startedAt ?? status.state?.terminated?.startedAt)
}

function logPath(api: Api, pod: Pod): string {
  return `${api.pods.path}/${encodeURIComponent(pod.metadata?.name ?? '')}/log`
}
