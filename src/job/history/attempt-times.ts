import { defined } from '../../util/objects.ts'
import type { Attempt, AttemptTimes } from '../state/observation.ts'

export function timesOf(attempt: Attempt): AttemptTimes {
  const { number, scheduledAt, uploader, worker, steps, endedAt, images } = attempt
  const { startedAt, finishedAt } = worker
  const started = steps?.map((step) => ({ name: step.name, ...defined({ startedAt: step.startedAt }) }))
  return {
    number,
    ...defined({ scheduledAt, uploaderAt: uploader.startedAt, readyAt: uploader.readyAt }),
    // Before its start there is no end of it that counts.
    ...(startedAt !== undefined && { startedAt, ...defined({ finishedAt }) }),
    ...defined({ steps: started, endedAt }),
    ...(images !== undefined && { pulled: true as const }),
  }
}

/** Those of an attempt that others follow. `Error`: by its exit code. */
export function timesOfEarlier(attempt: Attempt): AttemptTimes {
  const { interrupted, worker } = attempt
  return { ...timesOf(attempt), reason: interrupted?.reason ?? worker.cause?.reason ?? 'Error' }
}
