/** What of a representation a Range header asks for; both ends count. */
export type RequestedRange =
  | { kind: 'whole' }
  | { kind: 'range'; start: number; end: number }
  | { kind: 'unsatisfiable' }

const whole = { kind: 'whole' } as const

/**
 * One byte range (RFC 9110 §14.1.2) of `size` bytes. A header that is malformed, of another unit or of several
 * ranges asks for the whole: §14.2 lets a server ignore it, and no client may rely on a multipart answer. So does
 * a suffix of what is empty: it is satisfiable, yet no Content-Range can say so.
 */
export function parseRange(header: string | undefined, size: number): RequestedRange {
  const spec = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1]
  // §5.6.1.2: empty elements of a list are ignored.
  const specs = (spec ?? '').split(',').map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''))
  const [only, ...others] = specs.filter((part) => part !== '')
  const match = /^(\d*)-(\d*)$/.exec(only ?? '')
  if (match === null || others.length > 0) return whole
  const [, first = '', last = ''] = match
  if (first === '') return last === '' ? whole : suffix(Number(last), size)
  // As numbers two positions beyond 2^53 may be equal that aren't.
  if (last !== '' && BigInt(last) < BigInt(first)) return whole
  const start = Number(first)
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last)
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'range', start, end: Math.min(end, size - 1) }
}

function suffix(length: number, size: number): RequestedRange {
  if (length === 0) return { kind: 'unsatisfiable' }
  return size === 0 ? whole : { kind: 'range', start: Math.max(0, size - length), end: size - 1 }
}
