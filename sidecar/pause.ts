import { setTimeout as delay } from 'node:timers/promises'

/** Resolves after the time, or at once when one of the signals is aborted; never rejects. */
export async function pause(milliseconds: number, ...signals: AbortSignal[]): Promise<void> {
  const signal = AbortSignal.any(signals)
  await delay(Math.max(0, milliseconds), undefined, { signal }).catch(() => undefined)
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
