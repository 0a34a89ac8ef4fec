import { systemClock } from '../src/util/clock.ts'

/** Resolves in `milliseconds`, or at once when one of the signals is aborted; never rejects. */
export async function pause(milliseconds: number, ...signals: AbortSignal[]): Promise<void> {
  const signal = AbortSignal.any(signals)
  await systemClock.sleep(Math.max(0, milliseconds), { signal }).catch(() => undefined)
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/**
 * What the promise gives, or undefined once `signal` is aborted. Not Promise.race(): a promise that
 * stays open for a whole pass would keep the result of each of a million races in memory.
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve(undefined)
    signal.addEventListener('abort', onAbort, { once: true })
    const end = () => signal.removeEventListener('abort', onAbort)
    promise.then(
      (value) => {
        end()
        resolve(value)
      },
      (error: unknown) => {
        end()
        reject(error)
      },
    )
  })
}
