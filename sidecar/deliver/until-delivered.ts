import { backoff } from '../../src/util/backoff.ts'
import { longestTimer } from '../../src/util/clock.ts'
import { messageOf } from '../../src/util/errors.ts'
import { pause } from '../pause.ts'
import { DeliveryError, finalDeliveryError } from './delivery-error.ts'

export interface DeliveryPatience {
  /** Milliseconds since the epoch: from then on nothing is tried again. */
  until: number
  timeoutSeconds: number
  /** Notes why something has to be tried again; undefined: it goes on. */
  note(problem: string | undefined): void
  signal: AbortSignal
}

const retryDelay = backoff({ first: 500, max: 30_000, jitter: 0.5 })

/** Repeats `work` until it resolves. Rejects with DeliveryError, or with the signal's reason. */
export async function untilDelivered<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { until, timeoutSeconds, note, signal }: DeliveryPatience,
): Promise<T> {
  let problem = 'it did not answer'
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted()
    const limit = AbortSignal.timeout(Math.min(Math.max(0, until - Date.now()), longestTimer))
    try {
      const result = await work(AbortSignal.any([signal, limit]))
      if (failures > 1) note(undefined)
      return result
    } catch (error) {
      signal.throwIfAborted()
      const final = finalDeliveryError(error)
      if (final !== undefined) throw final
      if (!limit.aborted) problem = messageOf(error)
      // Not limit.aborted: a timer may be shorter than the time that is left.
      if (Date.now() >= until) {
        const seconds = `${timeoutSeconds} s after the beginning of the delivery (\`upload_timeout_seconds\`)`
        throw new DeliveryError('TargetUnavailable', `${problem}, ${seconds}`, { cause: error })
      }
      note(`${problem}; it is tried again`)
    }
    await pause(Math.min(retryDelay(failures), until - Date.now()), signal)
  }
}
