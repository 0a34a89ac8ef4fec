import { absenceDelay } from '../../util/backoff.ts'

/** Milliseconds until the next try, after that many failures in a row, from 0 on. */
export function failureDelay(failures: number): number {
  return absenceDelay(failures + 1)
}

/**
 * Milliseconds until the store is asked again for a manifest, by the time that storing has taken:
 * the manifest is found within 100 ms for 10 s, then within 1 % of that time and within a second,
 * the store's answer included.
 */
export function manifestLookupDelay(storingMs: number): number {
  return storingMs <= 10_000 ? 50 : Math.min(900, storingMs / 125)
}
