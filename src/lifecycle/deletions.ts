import { messageOf } from '../errors.ts'
import type { LiveJob } from '../job/backend.ts'
import { deletionPhase, withoutWaiting } from '../job/deletion.ts'
import type { Tracked, Tracking } from './tracked.ts'

/** Where a deletion is far gone when this process comes to see it, the store still gets that long. */
const lastTryMilliseconds = 15_000
const againMilliseconds = 10_000

/** The job as it counts: one whose deletion takes too long has ended, whatever of it still runs. */
export function asItCounts(tracking: Tracking, live: LiveJob): { live: LiveJob; overdue: boolean } {
  const deletion = deletionPhase(live.observation, live.request, Date.now())
  if (deletion?.next !== undefined) look(tracking, live.uuid, deletion.next)
  if (deletion === undefined || deletion.phase === 'wait') return { live, overdue: false }
  const overdue = live.observation.attempt?.ended === false
  return { live: { ...live, observation: withoutWaiting(live.observation) }, overdue }
}

/**
 * Lets a deleted Job go whose time is over and whose record the store doesn't take. The record is tried on as long
 * as this process lives; `onGivenUp` is called once.
 */
export function giveUpInTime(tracking: Tracking, tracked: Tracked, onGivenUp: () => void): void {
  const { uuid, observation, request } = tracked.live
  if (deletionPhase(observation, request, Date.now())?.phase !== 'let-go') return
  if (tracked.finished !== undefined || tracked.givenUp) return
  tracked.overdueSince ??= Date.now()
  const lastTryEnds = tracked.overdueSince + lastTryMilliseconds
  if (tracked.failures === 0 && Date.now() < lastTryEnds) {
    look(tracking, uuid, lastTryEnds)
    return
  }
  tracked.givenUp = true
  tracking.log.error(
    { job: uuid },
    'a deleted Job is let go without its record in the store; that is tried as long as this process lives',
  )
  tracking.backend.discard(uuid).then(onGivenUp, (error: unknown) => {
    tracked.givenUp = false
    tracking.log.warn({ job: uuid, error: messageOf(error) }, 'a deleted Job could not be let go')
    if (tracking.isCurrent(tracked)) look(tracking, uuid, Date.now() + againMilliseconds)
  })
}

export function deletionKey(uuid: string): string {
  return `deletion ${uuid}`
}

function look({ queue, evaluate }: Tracking, uuid: string, at: number): void {
  queue.set(deletionKey(uuid), at, () => evaluate(uuid))
}
