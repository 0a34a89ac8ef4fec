import type { Observation } from './observation.ts'
import type { JobRequest } from './request.ts'

/**
 * How long a job's deleted object is held:
 * - `wait`: its attempt is to end, which may take `stop_grace_seconds`
 * - `settle`: the attempt is waited for no longer; what the store has of it by now is its result
 * - `let-go`: nothing is waited for: a store that is gone must not keep an object, or its namespace, for ever
 */
export type DeletionPhase = 'wait' | 'settle' | 'let-go'

const settleMilliseconds = 45_000
const letGoMilliseconds = 60_000
/** The API's own deletions block nobody; what was promised to their callers is worth a longer wait for the store. */
const ownLetGoMilliseconds = 3_600_000

/** Undefined for a job that isn't being deleted; `next` is when the next phase begins. */
export function deletionPhase(
  { deletedAt, stop }: Observation,
  { stop_grace_seconds: grace }: Pick<JobRequest, 'stop_grace_seconds'>,
  now: number,
): { phase: DeletionPhase; next?: number } | undefined {
  if (deletedAt === undefined) return undefined
  const graceEnd = deletedAt + grace * 1000
  const settle = graceEnd + settleMilliseconds
  const letGo = graceEnd + (stop === undefined ? letGoMilliseconds : ownLetGoMilliseconds)
  if (now < settle) return { phase: 'wait', next: settle }
  if (now < letGo) return { phase: 'settle', next: letGo }
  return { phase: 'let-go' }
}

/** The observation once its attempt, and a rescue of its results, are waited for no longer. */
export function withoutWaiting(waiting: Observation): Observation {
  const { lingering: _, incomplete: __, rescue: ___, ...observation } = waiting
  const { attempt } = observation
  return attempt === undefined ? observation : { ...observation, attempt: { ...attempt, ended: true } }
}
