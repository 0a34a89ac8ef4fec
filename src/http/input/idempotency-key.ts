import type { Request } from 'express'
import { invalid } from '../../util/errors.ts'

/** The Idempotency-Key header, or undefined. Throws a Problem `invalid-request`. */
export function idempotencyKey(req: Request): string | undefined {
  const key = req.headers['idempotency-key']
  if (key === undefined) return undefined
  // Node joins the values of a repeated header with ", ", which no key may contain.
  if (typeof key === 'string' && /^[!-+\--~]{1,255}$/.test(key)) return key
  throw invalid('Idempotency-Key', 'is not allowed', '1 to 255 visible ASCII characters other than ","')
}
