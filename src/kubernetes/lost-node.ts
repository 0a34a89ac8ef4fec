import type { Log } from '../log.ts'
import type { Api } from './api.ts'
import { isTerminal } from './attempt.ts'
import type { JobCache } from './cache.ts'
import { type Pod, timeOf } from './objects.ts'
import { uuidOfRescuePod } from './rescue-cache.ts'
import { uuidOfPod } from './slim.ts'

/**
 * Since when a pod should have ended that hasn't, in milliseconds since the epoch; undefined for every other. A node
 * that is gone ends none: such a pod stays as it is for ever, even one that was deleted by force, since the Job
 * controller's finalizer holds it until it has failed (podReplacementPolicy; tried).
 *
 * That is from its grace's end on, or from its deletion on where the node can't have heard of it: the pod's grace is
 * the time that an upload may take.
 */
export function overdueSince(pod: Pod): number | undefined {
  const { metadata, status } = pod
  const over = timeOf(metadata?.deletionTimestamp)
  if (over === undefined) return undefined
  // Deleted without a grace, as endByForce() does: only somebody's finalizer still holds it.
  if (isTerminal(pod) && metadata?.deletionGracePeriodSeconds === 0) return undefined
  const isTrue = (type: string) => status?.conditions?.find((one) => one.type === type)?.status === 'True'
  // The node controller says that a pod is not ready whose node is silent; what the kubelet said before stays (tried).
  const isSilent = !isTrue('Ready') && isTrue('ContainersReady')
  return isSilent ? over - (metadata?.deletionGracePeriodSeconds ?? 0) * 1000 : over
}

export interface LostNodesParts {
  api: Api
  cache: JobCache
  /** How long a pod may be overdue. */
  patienceMilliseconds: number
  /** Whether this process may act, and whether it sees what happens. */
  holdsLease: () => boolean
  seesChanges: () => boolean
  log: Log
}

/**
 * Ends pods by force whose node doesn't: they count as failed then, so that their Job goes on. What still runs on
 * such a node may run beside the next attempt. Time counts only while this process sees changes: kubelets could say
 * nothing to an API server that was away.
 */
export class LostNodes {
  readonly #parts: LostNodesParts
  /** By the pod's UID: since when this process has seen it overdue. */
  readonly #seenSince = new Map<string, number>()
  readonly #busy = new Map<string, Promise<void>>()
  readonly #timer: NodeJS.Timeout

  constructor(parts: LostNodesParts) {
    this.#parts = parts
    const every = Math.min(10_000, parts.patienceMilliseconds / 5)
    this.#timer = setInterval(() => this.#sweep(Date.now()), every).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#busy.values())
  }

  #sweep(now: number): void {
    const { cache, holdsLease, seesChanges, patienceMilliseconds } = this.#parts
    const before = new Map(this.#seenSince)
    this.#seenSince.clear()
    if (!seesChanges()) return
    for (const pod of cache.livePods()) {
      if ((overdueSince(pod) ?? now) >= now) continue
      const uid = pod.metadata?.uid ?? ''
      const since = before.get(uid) ?? now
      this.#seenSince.set(uid, since)
      if (holdsLease() && now - since >= patienceMilliseconds && !this.#busy.has(uid)) this.#end(uid, pod)
    }
  }

  #end(uid: string, pod: Pod): void {
    const { api, log } = this.#parts
    const uuid = uuidOfPod(pod) ?? uuidOfRescuePod(pod)
    const about = { job: uuid, pod: pod.metadata?.name, node: pod.spec?.nodeName }
    const ending = endByForce(api, pod)
      .then(
        () => log.warn(about, 'a pod that its node did not end was ended by force'),
        (error: unknown) => log.warn({ ...about, error }, 'a pod that its node did not end is still there'),
      )
      .finally(() => this.#busy.delete(uid))
    this.#busy.set(uid, ending)
  }
}

/** As Kubernetes' own pod garbage collector does it for nodes that were deleted. */
async function endByForce(api: Api, pod: Pod): Promise<void> {
  const { name = '', uid = '', resourceVersion } = pod.metadata ?? {}
  if (!isTerminal(pod)) {
    // With its version: a kubelet that has just come back knows better.
    await api.pods.patchStatus(name, { metadata: { uid, resourceVersion }, status: lostStatus(pod) })
  }
  await api.pods.remove(name, { gracePeriodSeconds: 0, preconditions: { uid } })
}

/** Failed by a disruption, which another attempt may follow. */
export function lostStatus({ metadata, spec, status }: Pod, now = new Date()): Pod['status'] {
  const asked = metadata?.deletionTimestamp
  const message = `node ${spec?.nodeName} is lost: it has not ended the pod, whose grace was over at ${asked}`
  const isDisrupted = status?.conditions?.some(
    (one) => one.type === 'DisruptionTarget' && one.status === 'True',
  )
  const lastTransitionTime = now.toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'NodeLost',
    message,
    lastTransitionTime,
  }
  return { phase: 'Failed', reason: 'NodeLost', message, ...(isDisrupted ? {} : { conditions: [condition] }) }
}
