import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError, type StoreErrorKind } from './store.ts'

/**
 * Whether trying the same again can help: `unavailable`, `corrupt`, and the kinds in `also`. The uploader, which has
 * an hour, goes on with `denied`, `full` and `not-found` too (retriedForHours). What is what, by S3's error code,
 * else by the status (s3-errors.ts has the whole list of codes):
 *
 * | what came | kind | a call | the uploader |
 * | --- | --- | --- | --- |
 * | refused, reset, timed out, DNS, TLS, a body or an answer cut short | `unavailable` | again | again |
 * | 408, 429, 5xx; SlowDown, InternalError, ServiceUnavailable, RequestTimeout (400), OperationAborted (409) | `unavailable` | again | again |
 * | 3xx, 400, 404, 405, 413 … without S3's code: a gateway's word | `unavailable` | again | again |
 * | BadDigest, IncompleteBody, checksums that differ | `corrupt` | again | again |
 * | 401, 403; AccessDenied, ExpiredToken, InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed | `denied` | ends | again: keys are renewed, clocks set |
 * | 507; QuotaExceeded, XMinioStorageFull, XMinioAdminBucketQuotaExceeded | `full` | ends | again: room is made |
 * | 404; NoSuchBucket | `not-found` | ends | again: buckets come back |
 * | NoSuchUpload, InvalidPart | `not-found` | ends | the file is sent anew |
 * | 412 | `precondition-failed` | ends | ends |
 * | any other 4xx with S3's code: InvalidArgument, KeyTooLongError, EntityTooLarge | `invalid` | ends | under a hashed key, then an entry with the error |
 */
export function isRetryable(error: unknown, also: readonly StoreErrorKind[] = []): boolean {
  if (!(error instanceof StoreError)) return false
  return error.kind === 'unavailable' || error.kind === 'corrupt' || also.includes(error.kind)
}

/** Whether an uploader with hours of time tries again: its credentials, quota and bucket can be put right meanwhile. */
export function retriedForHours(error: unknown): boolean {
  return isRetryable(error, ['denied', 'full', 'not-found'])
}

/**
 * Milliseconds before the attempt after number `attempt` (from 1 on): 0.1 s, doubled each time up to 5 s, and of that
 * between the half and the whole, as `random` in [0, 1) says.
 */
export function retryDelay(attempt: number, random: number): number {
  const longest = Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs)
  return longest * (0.5 + random / 2)
}

export interface RetryOptions {
  /** Milliseconds since the epoch: the last attempt begins then at the latest. */
  until?: number
  /**
   * At most that many attempts; 5 where there is no `until` either. Without `until` none begins after 20 s: on a
   * connection that hangs, each takes longer than that to fail, and somebody waits.
   */
  attempts?: number
  signal?: AbortSignal | undefined
  /** Default: isRetryable(). */
  retryable?: (error: unknown) => boolean
  /** Before the pause that follows a failed attempt. */
  onRetry?: (error: unknown, delayMs: number, attempt: number) => void
}

/** Calls `work` until it succeeds, fails for good or time or attempts are used up; rejects with its last error. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { until = Date.now() + patienceMs, signal, retryable = isRetryable, onRetry } = options
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

const patienceMs = 20_000
const firstDelayMs = 100
const longestDelayMs = 5000

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  }
}
