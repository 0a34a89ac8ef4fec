import type { Clock } from '../../../util/clock.ts'
import type { Log } from '../../../util/log.ts'
import type { Scheduler } from '../../../util/scheduler.ts'
import type { Api } from '../api/api.ts'
import type { Pod } from '../api/objects.ts'
import type { JobCache } from '../cache/job-cache.ts'
import { uuidOfPod } from '../cache/prune-objects.ts'
import { uuidOfRescuePod } from '../cache/rescue-cache.ts'
import { isTerminal } from '../observation/pod-state.ts'
import { lostStatus, overduePods } from '../policies/lost-node.ts'

const longestIntervalMilliseconds = 10_000

export interface LostNodeParts {
  api: Api
  cache: JobCache
  queue: Scheduler
  clock: Clock
  /** How long a pod may be overdue. */
  patienceMilliseconds: number
  isLeader: () => boolean
  /** Whether this process sees what happens in the cluster. */
  seesChanges: () => boolean
  log: Log
}

/**
 * Ends pods by force that their node does not end: they count as failed then, so that their Job
 * goes on. A container that still runs on such a node may run beside the next attempt. Looks at
 * pods and not at jobs, since rescue pods and pods whose Job is gone are among them. Ends when
 * `queue` is closed.
 */
export function endPodsOfLostNodes(parts: LostNodeParts): void {
  const { cache, queue, clock, patienceMilliseconds, isLeader, seesChanges } = parts
  const interval = Math.min(longestIntervalMilliseconds, patienceMilliseconds / 5)
  const ending = new Set<string>()
  let since: ReadonlyMap<string, number> = new Map()

  const schedule = () => queue.set('lost-nodes', clock.now() + interval, sweep)
  const sweep = async () => {
    schedule()
    const now = clock.now()
    const overdue = overduePods(seesChanges() ? cache.livePods() : [], since, now)
    since = overdue.since
    if (!isLeader()) return
    const uidOf = ({ metadata }: Pod) => metadata?.uid ?? ''
    const lost = overdue.pods.filter((pod) => {
      const uid = uidOf(pod)
      return now - (since.get(uid) ?? now) >= patienceMilliseconds && !ending.has(uid)
    })
    await Promise.all(
      lost.map(async (pod) => {
        ending.add(uidOf(pod))
        await endAndLog(parts, pod)
        ending.delete(uidOf(pod))
      }),
    )
  }
  schedule()
}

/** Never rejects. */
async function endAndLog({ api, clock, log }: LostNodeParts, pod: Pod): Promise<void> {
  const uuid = uuidOfPod(pod) ?? uuidOfRescuePod(pod)
  const about = { job: uuid, pod: pod.metadata?.name, node: pod.spec?.nodeName }
  try {
    await endByForce(api, pod, clock.now())
    log.warn(about, 'the pod of a lost node was ended by force')
  } catch (error) {
    log.warn({ ...about, error }, 'the pod of a lost node could not be ended by force')
  }
}

/** As Kubernetes' own pod garbage collector does it for deleted nodes. */
async function endByForce(api: Api, pod: Pod, now: number): Promise<void> {
  const { name = '', uid = '', resourceVersion } = pod.metadata ?? {}
  if (!isTerminal(pod)) {
    // With its version: the word of a kubelet that has just come back counts more.
    await api.pods.patchStatus(name, { metadata: { uid, resourceVersion }, status: lostStatus(pod, now) })
  }
  await api.pods.remove(name, { gracePeriodSeconds: 0, preconditions: { uid } })
}
