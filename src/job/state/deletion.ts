import type { JobRequest } from '../request/request.ts'
import type { Observation } from './observation.ts'

/**
 * The phases of a deletion, in which the API's finalizer holds the job's object:
 * - `wait`: the API waits for the attempt's end, which may take `stop_grace_seconds`
 * - `settle`: it doesn't wait for the attempt any more; the newest checkpoint in the store becomes
 *   the result
 * - `let-go`: it waits for nothing: an absent store must not hold the object, or its namespace, for
 *   ever
 */
export type DeletionPhase = 'wait' | 'settle' | 'let-go'

const settleMilliseconds = 45_000
const letGoMilliseconds = 60_000
/**
 * The API's own deletions block no namespace: they wait longer for the store, so that no result is
 * lost.
 */
const ownLetGoMilliseconds = 3_600_000

/**
 * Undefined for a job that isn't being deleted; `next` is when the next phase begins, in
 * milliseconds since the epoch.
 */
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

/** The observation once neither its attempt nor a rescue of its results is waited for. */
export function withoutWaiting(waiting: Observation): Observation {
  const { lingering: _, incomplete: __, rescue: ___, ...observation } = waiting
  const { attempt } = observation
  return attempt === undefined ? observation : { ...observation, attempt: { ...attempt, ended: true } }
}
