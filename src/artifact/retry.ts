import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError, type StoreErrorKind } from './store.ts'

/** Whether trying the same again can help: `unavailable`, `corrupt`, and the kinds in `also`. */
export function isRetryable(error: unknown, also: readonly StoreErrorKind[] = []): boolean {
  if (!(error instanceof StoreError)) return false
  return error.kind === 'unavailable' || error.kind === 'corrupt' || also.includes(error.kind)
}

/** Milliseconds before the attempt after number `attempt` (from 1 on); `random` in [0, 1). */
export function retryDelay(attempt: number, random: number): number {
  const longest = Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs)
  return longest * (0.5 + random / 2)
}

export interface RetryOptions {
  /** Milliseconds since the epoch: the last attempt begins then at the latest. */
  until?: number
  /** At most that many attempts; 5 where there is no `until` either. */
  attempts?: number
  signal?: AbortSignal | undefined
  /** Default: isRetryable(). */
  retryable?: (error: unknown) => boolean
  /** Before the pause that follows a failed attempt. */
  onRetry?: (error: unknown, delayMs: number, attempt: number) => void
}

/** Calls `work` until it succeeds, fails for good or time or attempts are used up; rejects with its last error. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { until = Number.POSITIVE_INFINITY, signal, retryable = isRetryable, onRetry } = options
  const attempts = options.attempts ?? (options.until === undefined ? 5 : Number.POSITIVE_INFINITY)
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (attempt >= attempts || Date.now() >= until || signal?.aborted || !retryable(error)) throw error
      const delay = Math.min(retryDelay(attempt, Math.random()), Math.max(0, until - Date.now()))
      onRetry?.(error, delay, attempt)
      await pause(delay, signal)
    }
  }
}

const firstDelayMs = 100
const longestDelayMs = 5000

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  }
}
