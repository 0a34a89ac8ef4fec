import { text } from 'node:stream/consumers'
import type { ContainerLog, LoggedContainer, ReadLogOptions } from '../../../job/backend.ts'
import { type Clock, systemClock } from '../../../util/clock.ts'
import { Problem } from '../../../util/errors.ts'
import { defined } from '../../../util/objects.ts'
import type { Api } from '../api/api.ts'
import { type ContainerStatus, type Pod, timeOf } from '../api/objects.ts'
import { hasStatus, StatusError } from '../api/status-error.ts'
import { containers } from '../names.ts'
import { uploaderStatus } from '../observation/pod-state.ts'
import { startOf, stepsOfPod } from '../observation/pod-steps.ts'

/**
 * containerd reports a container's end before it has written the last lines of its log: its end is
 * known in whole seconds, and the writer gets another one.
 */
const settlingMilliseconds = 2_000

/**
 * A container's log from its node; undefined if the pod is gone or the container has not started.
 * For a container that ended within the last two seconds it waits for the log's last lines, unless
 * its pod is being deleted.
 *
 * Whether a log is there from its beginning isn't known: once the kubelet has rotated it (at 10 MiB
 * by default), it returns only the newest file and does not say so. The time of the first line
 * proves nothing, since a program writes 10 MiB in the second of its start. Rejects with Problem
 * `unavailable` while the node's kubelet does not give out logs.
 */
export async function openPodLog(
  api: Api,
  pod: Pod,
  options: ReadLogOptions,
  clock: Clock = systemClock,
): Promise<ContainerLog | undefined> {
  const { follow, tail, signal } = options
  const container = containerOf(pod, options)
  if (container === undefined) return undefined
  try {
    await clock.sleep(settlingTime(pod, options, clock.now()), defined({ signal }))
    const stream = await api.client.stream({
      method: 'GET',
      path: logPath(api, pod),
      query: { container: container.name, follow: follow ?? false, tailLines: tail },
      accept: '*/*',
      ...(follow && { endless: true }),
      ...defined({ signal }),
    })
    return { stream }
  } catch (error) {
    if (isKubeletsAbsence(error)) throw nodeIsAway(pod, error)
    // 400: the container is waiting to start.
    if (hasStatus(error, 400, 404)) return undefined
    throw error
  }
}

/** Milliseconds until a log that is read once has its last lines: 0 if its container still runs. */
export function settlingTime(pod: Pod, options: LoggedContainer, now: number): number {
  const finishedAt = timeOf(containerOf(pod, options)?.status?.state?.terminated?.finishedAt)
  // A pod that is being deleted goes with its log as soon as its containers have ended.
  if (finishedAt === undefined || pod.metadata?.deletionTimestamp !== undefined) return 0
  // A node's clock that is ahead must not make it longer.
  return Math.min(Math.max(finishedAt + settlingMilliseconds - now, 0), settlingMilliseconds)
}

/**
 * The API server passes on what a kubelet answers, and its own failure to reach one: 404 for
 * pods/log from a kubelet that has just started and does not know its pods yet, though the pod and
 * its log exist, and 5xx for one that is away.
 */
function isKubeletsAbsence(error: unknown): error is StatusError {
  if (!(error instanceof StatusError)) return false
  return (error.status === 404 && error.kind === 'pods/log') || (error.status >= 500 && error.status !== 503)
}

function nodeIsAway({ spec }: Pod, cause: StatusError): Problem {
  const node = spec?.nodeName === undefined ? 'The node' : `The node ${spec.nodeName}`
  const detail = `${node} does not give out the log at the moment: its kubelet is away, or has just started; try again`
  return new Problem('unavailable', detail, { retryAfterSeconds: 5, cause })
}

/** The last lines of a log; empty if there is no log. */
export async function readTail(api: Api, pod: Pod, options: ReadLogOptions): Promise<string> {
  const log = await openPodLog(api, pod, { ...options, signal: AbortSignal.timeout(10_000) })
  return log === undefined ? '' : await text(log.stream)
}

/**
 * Of a job with steps, without a step's name that which started last. Undefined if the pod has no
 * such step.
 */
function containerOf(
  pod: Pod,
  { container, step }: LoggedContainer,
): { name: string; status: ContainerStatus | undefined } | undefined {
  if (container === 'uploader') return { name: containers.uploader, status: uploaderStatus(pod) }
  const steps = stepsOfPod(pod)
  const found =
    step === undefined
      ? (steps.findLast(({ status }) => startOf(status) !== undefined) ?? steps[0])
      : steps.find(({ name }) => name === step)
  return found && { name: found.container, status: found.status }
}

function logPath(api: Api, pod: Pod): string {
  return `${api.pods.path}/${encodeURIComponent(pod.metadata?.name ?? '')}/log`
}
