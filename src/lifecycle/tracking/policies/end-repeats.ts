import { wasDisrupted } from '../../../job/state/disruption.ts'
import { isOver, type KnownJob } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'

/**
 * True if a job has ended while its backend goes on, until a stop shows: when a pod is disrupted
 * after its work was done, or is not worth repeating, the backend starts another one.
 */
export function hasRepeats(known: KnownJob): boolean {
  const { answer, assessment, live } = known
  if (!isOver(known) || assessment.deleted) return false
  const { stop, deletedAt, ended, attempt } = live.observation
  if (stop || deletedAt !== undefined || ended || !attempt) return false
  return attempt.uid !== answer.attempt?.uid || wasDisrupted(live.observation, attempt)
}

/** Stops a job that hasRepeats(). */
export function endRepeatsPolicy(known: KnownJob, { now }: Situation): Plan {
  const { answer, assessment } = known
  const cause = assessment.cause ?? { reason: 'Interrupted', message: 'interrupted after its end' }
  const attempt = answer.attempt === null ? {} : { attempt: answer.attempt.uid }
  return begin(known, { duty: 'stop', stop: { outcome: 'failed', at: now, cause, ...attempt } }, now)
}
