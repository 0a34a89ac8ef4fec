import type { Cause } from './job.ts'
import type { Attempt, Disruption, Observation } from './observation.ts'

/** So many further attempts follow disruptions, beyond 1 + `retries`. */
export const furtherAttempts = 3

/** Whether another attempt would end for the same reason: the job needs more room than it may have. */
export function isPointlessToRepeat({ reason }: Cause): boolean {
  return reason === 'StorageFull'
}

/**
 * The disruption that no further attempt is to follow, and what the job fails for; undefined while the backend may
 * go on. Backends start another attempt after any disruption, without a limit.
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

/** Why a job waits for another attempt, where that follows a disruption. */
export function repeating({ disruptions, attempt }: Observation): Cause | undefined {
  const latest = disruptions?.at(-1)
  if (latest === undefined || (attempt !== undefined && attempt.number > latest.number + 1)) return undefined
  const { number, reason, message } = latest
  return { reason, message: `attempt ${number} was interrupted (${message}); attempt ${number + 1} follows` }
}

export function wasDisrupted({ disruptions }: Observation, { uid }: Attempt): boolean {
  return disruptions?.some(({ attempt }) => attempt === uid) === true
}

/** Attempts up to this one that failed by themselves, this one among them: what `retries` is counted by. */
export function ownFailures(observation: Observation, attempt: Attempt): number {
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
