import { type Pod, timeOf } from '../api/objects.ts'
import { isTerminal } from '../observation/pod-state.ts'

/**
 * Since when a pod should have ended but has not, in milliseconds since the epoch; undefined for
 * every other pod. A lost node ends no pod: it stays as it is, even if it was deleted by force,
 * since the Job controller's finalizer holds it until it has failed (podReplacementPolicy).
 *
 * Counted from the end of the pod's grace, or from its deletion where the node cannot have heard of
 * that: the grace is as long as an upload may take.
 */
export function overdueSince(pod: Pod): number | undefined {
  const { metadata, status } = pod
  const over = timeOf(metadata?.deletionTimestamp)
  if (over === undefined) return undefined
  // Deleted without a grace, as endByForce() does: only another client's finalizer still holds it.
  if (isTerminal(pod) && metadata?.deletionGracePeriodSeconds === 0) return undefined
  const isTrue = (type: string) => status?.conditions?.find((one) => one.type === type)?.status === 'True'
  // The node controller sets Ready to False when a node is silent, and leaves the kubelet's other
  // conditions.
  const isSilent = !isTrue('Ready') && isTrue('ContainersReady')
  return isSilent ? over - (metadata?.deletionGracePeriodSeconds ?? 0) * 1000 : over
}

/**
 * The overdue pods, each with the time since when this process has seen it overdue. `known` is the
 * last result, empty if this process did not see changes meanwhile: kubelets could report nothing
 * to an API server that was away.
 */
export function overduePods(
  pods: Iterable<Pod>,
  known: ReadonlyMap<string, number>,
  now: number,
): { pods: Pod[]; since: Map<string, number> } {
  const overdue = [...pods].filter((pod) => (overdueSince(pod) ?? now) < now)
  const uids = overdue.map(({ metadata }) => metadata?.uid ?? '')
  return { pods: overdue, since: new Map(uids.map((uid) => [uid, known.get(uid) ?? now])) }
}

/** Failed by a disruption: another attempt may follow. */
export function lostStatus({ metadata, spec, status }: Pod, now: number): Pod['status'] {
  const deadline = metadata?.deletionTimestamp
  const message = `node ${spec?.nodeName} is lost: it has not ended the pod, whose grace was over at ${deadline}`
  const isDisrupted = status?.conditions?.some(
    (one) => one.type === 'DisruptionTarget' && one.status === 'True',
  )
  const lastTransitionTime = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'NodeLost',
    message,
    lastTransitionTime,
  }
  return { phase: 'Failed', reason: 'NodeLost', message, ...(!isDisrupted && { conditions: [condition] }) }
}
