import type { Request } from 'express'
import { Problem } from '../errors.ts'
import { maxTextBytes } from './body.ts'
import type { HttpOptions } from './options.ts'

/** What a form has besides its inputs at the very most: three texts, headers and boundaries. */
const formBytes = 8 * maxTextBytes

/**
 * Refuses a form at its Content-Length where its inputs can't but exceed the limit: the caller knows at once, not
 * after having sent it. Forms without a Content-Length are counted as they arrive.
 */
export function refuseLargeInputs(req: Request, { inputMaxBytes }: HttpOptions): void {
  if (Number(req.headers['content-length'] ?? 0) <= inputMaxBytes + formBytes) return
  const expected = `at most ${inputMaxBytes} bytes in all`
  throw new Problem('too-large', `input: is too large; expected ${expected}`, {
    errors: [{ field: 'input', problem: 'is too large', expected }],
  })
}
