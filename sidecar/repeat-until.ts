import { backoff } from '../src/util/backoff.ts'
import { longestTimer } from '../src/util/clock.ts'
import { messageOf } from '../src/util/errors.ts'
import { pause } from './pause.ts'

/** How long something is tried again. */
export interface Patience {
  /** Milliseconds since the epoch: from then on nothing is tried again. */
  until: number
  /** The request's time limit, for messages. */
  timeoutSeconds: number
  /** Notes why something has to be tried again; undefined: it goes on. */
  note(problem: string | undefined): void
  signal: AbortSignal
}

/** What the failures of an attempt mean. */
export interface Failures {
  /** What is wrong if the time is over before an attempt has failed by itself. */
  otherwise: string
  /** The error to reject with; undefined if a further attempt may succeed. */
  final(error: unknown): unknown
  tooLate(problem: string, cause: unknown): Error
  /** A number that grows with what the attempts have reached: then the pauses begin anew. */
  progress?(): number
  /** The subject of the notes, with a colon. */
  subject?: string
}

const retryDelay = backoff({ first: 500, max: 30_000, jitter: 0.5 })

/** Repeats `attempt` until it resolves. Rejects as `failures` says, or with the signal's reason. */
export async function repeatUntil<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { until, note, signal }: Patience,
  { otherwise, final, tooLate, progress = () => 0, subject = '' }: Failures,
): Promise<T> {
  let problem = otherwise
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted()
    const before = progress()
    const limit = AbortSignal.timeout(Math.min(Math.max(0, until - Date.now()), longestTimer))
    try {
      const result = await attempt(AbortSignal.any([signal, limit]))
      if (failures > 1) note(undefined)
      return result
    } catch (error) {
      signal.throwIfAborted()
      const last = final(error)
      if (last !== undefined) throw last
      if (!limit.aborted) problem = messageOf(error)
      // Not limit.aborted: a timer may be shorter than the time that is left.
      if (Date.now() >= until) throw tooLate(problem, error)
      if (progress() > before) failures = 1
      note(`${subject}${problem}; it is tried again`)
    }
    await pause(Math.min(retryDelay(failures), until - Date.now()), signal)
  }
}
