import type { Request } from 'express'
import { Problem } from '../../util/errors.ts'
import { maxTextBytes } from '../limits/body-budget.ts'
import type { HttpOptions } from '../options.ts'

/** Upper bound for a form without its inputs: three texts, headers and boundaries. */
const formBytes = 8 * maxTextBytes

/**
 * Refuses a form by its Content-Length if its inputs must exceed the limit, so that the caller gets
 * the answer before it has sent the form. Forms without a Content-Length are counted as they
 * arrive.
 */
export function refuseLargeInputs(req: Request, { inputMaxBytes }: HttpOptions): void {
  if (Number(req.headers['content-length'] ?? 0) <= inputMaxBytes + formBytes) return
  const expected = `at most ${inputMaxBytes} bytes in all`
  throw new Problem('too-large', `input: is too large; expected ${expected}`, {
    errors: [{ field: 'input', problem: 'is too large', expected }],
  })
}
