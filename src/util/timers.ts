import { type Clock, systemClock } from './clock.ts'

/**
 * Waits for the first promise to settle, for at most `milliseconds`. Resolves with true if it
 * resolved in time, else with false; rejects if it rejects. Later results and rejections are
 * ignored.
 */
export async function within(
  milliseconds: number,
  promises: Promise<unknown> | readonly Promise<unknown>[],
  clock: Clock = systemClock,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const cancel = clock.setTimeout(() => resolve(false), milliseconds)
  try {
    return await Promise.race([late, ...[promises].flat().map((promise) => promise.then(() => true))])
  } finally {
    cancel()
  }
}

/** AbortSignal.timeout() by `clock`. */
export function timeoutSignal(milliseconds: number, clock: Clock = systemClock): AbortSignal {
  const controller = new AbortController()
  const abort = () => controller.abort(new DOMException('the time is over', 'TimeoutError'))
  clock.setTimeout(abort, milliseconds, { ref: false })
  return controller.signal
}

/** setInterval() by `clock`; returns the function that ends it. */
export function interval(run: () => void, milliseconds: number, clock: Clock = systemClock): () => void {
  let cancel = () => {}
  const next = () => {
    cancel = clock.setTimeout(() => {
      next()
      run()
    }, milliseconds)
  }
  next()
  return () => cancel()
}
