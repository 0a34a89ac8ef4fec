import { deletionPhase } from '../../../job/state/deletion.ts'
import { defined } from '../../../util/objects.ts'
import { type Duty, isFinished, isGivenUp, type KnownJob, progressOf } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'

/** If a deletion is overdue when this process first sees it, the store still gets that long. */
const lastTryMilliseconds = 15_000

/** Has a job looked at when its deletion enters its next phase. */
export function nextDeletionPhase({ live }: KnownJob, { now }: Situation): Plan {
  const next = deletionPhase(live.observation, live.request, now)?.next
  return defined({ lookAgainAt: next })
}

/**
 * Lets a deleted Job go if its time is over and the store doesn't take its record. The record is
 * retried as long as this process lives.
 */
export function letGoOverdue(known: KnownJob, { now }: Situation): Plan {
  const { live, overdueSince } = known
  if (deletionPhase(live.observation, live.request, now)?.phase !== 'let-go') return {}
  if (overdueSince === undefined || isFinished(known) || isGivenUp(known)) return {}
  const lastTryEnds = overdueSince + lastTryMilliseconds
  if (!isFailing(known) && now < lastTryEnds) return { lookAgainAt: lastTryEnds }
  return begin(known, { duty: 'let-go' }, now)
}

const needed: readonly Duty[] = ['look-up', 'notify-end', 'archive', 'release', 'remove']

function isFailing(known: KnownJob): boolean {
  return needed.some((duty) => progressOf(known, duty).failures > 0)
}
