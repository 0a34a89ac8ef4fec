import { isNotFound, isPreconditionFailed } from '../../src/store/store.ts'
import { backoff } from '../../src/util/backoff.ts'
import { longestTimer } from '../../src/util/clock.ts'
import { OutgoingError } from '../../src/util/egress/outgoing-calls.ts'
import { isDiskFull } from '../../src/util/error-code.ts'
import { messageOf } from '../../src/util/errors.ts'
import { pause } from '../pause.ts'
import { BadStatus } from './http-download.ts'
import { InputError } from './input-error.ts'

export interface Patience {
  /** Milliseconds since the epoch: from then on nothing is tried again. */
  until: number
  /** `input_timeout_seconds`, for messages. */
  timeoutSeconds: number
  /** Notes why an input has to be tried again; undefined: it goes on. */
  note(problem: string | undefined): void
  signal: AbortSignal
}

const retryDelay = backoff({ first: 500, max: 30_000, jitter: 0.5 })

/**
 * Repeats `attempt` until it resolves. `received`: the bytes so far; with more of them the pauses
 * begin anew. Rejects with InputError that begins with the name, and with errors of the file system.
 */
export async function fetchUntilWhole<T>(
  name: string,
  attempt: (signal: AbortSignal) => Promise<T>,
  received: () => number,
  { signal, until, note, timeoutSeconds }: Patience,
): Promise<T> {
  let problem = 'it was not there whole'
  for (let failures = 1; ; failures += 1) {
    const before = received()
    const limit = AbortSignal.timeout(Math.min(Math.max(0, until - Date.now()), longestTimer))
    try {
      const result = await attempt(AbortSignal.any([signal, limit]))
      if (failures > 1) note(undefined)
      return result
    } catch (error) {
      signal.throwIfAborted()
      if (isDiskFull(error)) throw error
      const final = finalError(name, error)
      if (final !== undefined) throw final
      if (!limit.aborted) problem = messageOf(error)
      if (Date.now() >= until) throw tooLate(name, problem, timeoutSeconds)
      if (received() > before) failures = 1
      note(`${name}: ${problem}; it is tried again`)
    }
    await pause(Math.min(retryDelay(failures), until - Date.now()), signal)
    signal.throwIfAborted()
  }
}

/** Undefined if a further attempt may succeed. */
function finalError(name: string, error: unknown): InputError | undefined {
  if (error instanceof InputError)
    return new InputError(error.kind, `${name}: ${error.message}`, { cause: error })
  if (error instanceof OutgoingError && error.kind === 'forbidden') {
    return new InputError('InputInvalid', `${name}: ${error.message}`, { cause: error })
  }
  if (isNotFound(error) || isPreconditionFailed(error)) {
    const message = `${name}: it is gone, or another one is in its place: ${messageOf(error)}`
    return new InputError('InputUnavailable', message, { cause: error })
  }
  if (!(error instanceof BadStatus) || !isPermanent(error.status)) return undefined
  return new InputError('InputUnavailable', `${name}: ${error.message}`, { cause: error })
}

/** 408, 425, 429 and 5xx pass. */
function isPermanent(status: number): boolean {
  return status < 500 && ![408, 425, 429].includes(status)
}

function tooLate(name: string, problem: string, seconds: number): InputError {
  const message = `${name}: ${problem}, ${seconds} s after its first request (\`input_timeout_seconds\`)`
  return new InputError('InputUnavailable', message)
}
