import { backoff } from '../util/backoff.ts'
import { type Clock, systemClock } from '../util/clock.ts'
import { StoreError, type StoreErrorKind } from './store.ts'

/**
 * True if a further attempt of the same call can succeed: kinds `unavailable`, `corrupt` and those
 * in `also`. The uploader has an hour and also retries `denied`, `full` and `not-found`
 * (retriedForHours). S3's error code decides the kind, or the status if there is no code (all
 * codes: s3-errors.ts):
 *
 * | answer or failure | kind | one call | the uploader |
 * | --- | --- | --- | --- |
 * | refused, reset, timed out, DNS, TLS, a body or an answer cut short | `unavailable` | retries | retries |
 * | 408, 429, 5xx; SlowDown, InternalError, ServiceUnavailable, RequestTimeout (400), OperationAborted (409) | `unavailable` | retries | retries |
 * | 3xx, 400, 404, 405, 413 … without S3's code: a gateway's answer | `unavailable` | retries | retries |
 * | BadDigest, IncompleteBody, checksums that differ | `corrupt` | retries | retries |
 * | 401, 403; AccessDenied, ExpiredToken, InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed | `denied` | fails | retries: keys may be renewed, clocks set |
 * | 507; QuotaExceeded, XMinioStorageFull, XMinioAdminBucketQuotaExceeded | `full` | fails | retries: space may be freed |
 * | 404; NoSuchBucket | `not-found` | fails | retries: the bucket may be created again |
 * | NoSuchUpload, InvalidPart | `not-found` | fails | sends the file again from the start |
 * | 412 | `precondition-failed` | fails | fails |
 * | any other 4xx with S3's code: InvalidArgument, KeyTooLongError, EntityTooLarge | `invalid` | fails | uses a hashed key, then writes an entry with the error |
 */
export function isRetryable(error: unknown, also: readonly StoreErrorKind[] = []): boolean {
  if (!(error instanceof StoreError)) return false
  return error.kind === 'unavailable' || error.kind === 'corrupt' || also.includes(error.kind)
}

/** True if the uploader retries: in its hours, credentials, quota and bucket can be corrected. */
export function retriedForHours(error: unknown): boolean {
  return isRetryable(error, ['denied', 'full', 'not-found'])
}

/** Milliseconds between two attempts of one call to a store. */
export const retryDelay = backoff({ first: 100, max: 5000, jitter: 0.5 })

export interface RetryOptions {
  /** Milliseconds since the epoch: no attempt begins later. */
  until?: number
  /**
   * Maximum of attempts; without `until` the default is 5. Without `until` no attempt begins after
   * 20 s: a client waits, and on a connection that hangs one attempt takes longer than that to
   * fail.
   */
  attempts?: number
  signal?: AbortSignal | undefined
  /** Default: isRetryable(). */
  retryable?: (error: unknown) => boolean
  /** Called before the pause that follows a failed attempt. */
  onRetry?: (error: unknown, delayMs: number, attempt: number) => void
  clock?: Clock
}

/**
 * Calls `work` until it succeeds, its error is not retryable, or time or attempts are used up.
 * Rejects with the last error of `work`, or with the signal's reason.
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { clock = systemClock, signal, retryable = isRetryable, onRetry } = options
  const { until = clock.now() + patienceMs } = options
  const attempts = options.attempts ?? (options.until === undefined ? 5 : Number.POSITIVE_INFINITY)
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (attempt >= attempts || clock.now() >= until || signal?.aborted || !retryable(error)) throw error
      const delay = Math.min(retryDelay(attempt), Math.max(0, until - clock.now()))
      onRetry?.(error, delay, attempt)
      await pause(delay, signal, clock)
    }
  }
}

const patienceMs = 20_000

async function pause(ms: number, signal: AbortSignal | undefined, clock: Clock): Promise<void> {
  try {
    await clock.sleep(ms, { signal })
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  }
}
