import { isNotFound, isPreconditionFailed } from '../../src/store/store.ts'
import { OutgoingError } from '../../src/util/egress/outgoing-calls.ts'
import { isDiskFull } from '../../src/util/error-code.ts'
import { messageOf } from '../../src/util/errors.ts'
import { type Patience, repeatUntil } from '../repeat-until.ts'
import { BadStatus } from './http-download.ts'
import { InputError } from './input-error.ts'

/**
 * Repeats `attempt` until it resolves. `received`: the bytes so far; with more of them the pauses
 * begin anew. Rejects with InputError that begins with the name, and with errors of the file system.
 */
export async function fetchUntilWhole<T>(
  name: string,
  attempt: (signal: AbortSignal) => Promise<T>,
  received: () => number,
  patience: Patience,
): Promise<T> {
  return await repeatUntil(attempt, patience, {
    otherwise: 'it was not there whole',
    final: (error) => (isDiskFull(error) ? error : finalError(name, error)),
    tooLate: (problem) => tooLate(name, problem, patience.timeoutSeconds),
    progress: received,
    subject: `${name}: `,
  })
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
