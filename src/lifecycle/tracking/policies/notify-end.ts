import { isFinal, type Job } from '../../../job/job.ts'
import { isFinished, isOver, type KnownJob, type TrackedJob } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'
import { isToBeFinished } from './archive.ts'

/** Notifies a job's consumers of its end at once, beside archiving. */
export function notifyEndPolicy(known: KnownJob, { now }: Situation): Plan {
  const hasEnded = isOver(known) || isToBeFinished(known)
  return hasEnded && !isFinished(known) ? begin(known, { duty: 'notify-end' }, now) : {}
}

/**
 * The job as its consumers are notified of it: a job that is deleted while it runs has been
 * canceled.
 */
export function endedJob({ answer, assessment }: TrackedJob): Job {
  if (!assessment.deleted || isFinal(answer.state)) return answer
  return {
    ...answer,
    state: 'canceled',
    reason: 'Canceled',
    message: 'the job was deleted',
    result: { state: 'missing', count: 0, bytes: 0 },
  }
}
