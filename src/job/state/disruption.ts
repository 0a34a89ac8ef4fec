import type { Cause } from '../job.ts'
import type { Attempt, Disruption, Observation } from './observation.ts'

/** The number of further attempts that follow disruptions, beyond 1 + `retries`. */
export const furtherAttempts = 3

/**
 * True if another attempt would end for the same reason: the job needs more storage than it may
 * have.
 */
export function isPointlessToRepeat({ reason }: Cause): boolean {
  return reason === 'StorageFull'
}

/**
 * The disruption after which no further attempt is to follow, and the job's cause; undefined as
 * long as the backend may start another attempt. Backends do so after each disruption, without a
 * limit.
 */
export function lastDisruption(
  disruptions: readonly Disruption[] = [],
): { attempt: string; cause: Cause } | undefined {
  for (const [index, one] of disruptions.entries()) {
    const { attempt, reason, message } = one
    if (isPointlessToRepeat(one)) return { attempt, cause: { reason, message } }
    if (index >= furtherAttempts) return { attempt, cause: tooMany(disruptions.slice(0, index + 1)) }
  }
  return undefined
}

/** Why a job waits for another attempt; undefined if that doesn't follow a disruption. */
export function repeating({ disruptions, attempt }: Observation): Cause | undefined {
  const latest = disruptions?.at(-1)
  if (latest === undefined || (attempt !== undefined && attempt.number > latest.number + 1)) return undefined
  const { number, reason, message } = latest
  return { reason, message: `attempt ${number} was interrupted (${message}); attempt ${number + 1} follows` }
}

export function wasDisrupted({ disruptions }: Observation, { uid }: Attempt): boolean {
  return disruptions?.some(({ attempt }) => attempt === uid) === true
}

/**
 * The number of attempts up to this one, inclusive, that failed by themselves: `retries` limits it.
 */
export function ownFailuresUpTo(observation: Observation, attempt: Attempt): number {
  const others = observation.disruptions?.filter(({ attempt: uid }) => uid !== attempt.uid).length ?? 0
  return Math.max(observation.failedAttempts, attempt.number - others)
}

function tooMany(disruptions: readonly Disruption[]): Cause {
  const each = disruptions.map(
    ({ number, reason, message, at }) =>
      `attempt ${number} at ${new Date(at).toISOString()}: ${reason}: ${message}`,
  )
  return {
    reason: 'TooManyDisruptions',
    message:
      `${disruptions.length} attempts were interrupted, and after ${furtherAttempts} further ones no other is started: ` +
      each.join('; '),
  }
}
