/** The part of a representation that a Range header requests; both ends are inclusive. */
export type RequestedRange =
  | { kind: 'whole' }
  | { kind: 'range'; start: number; end: number }
  | { kind: 'unsatisfiable' }

const whole = { kind: 'whole' } as const

/**
 * One byte range (RFC 9110 §14.1.2) of `size` bytes. A malformed header, another unit or several
 * ranges give `whole`: §14.2 allows a server to ignore the header, and clients can't rely on a
 * multipart answer. A suffix of an empty file gives `whole` too: it is satisfiable, but
 * Content-Range has no form for it.
 */
export function parseRange(header: string | undefined, size: number): RequestedRange {
  const spec = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1]
  // §5.6.1.2: a recipient ignores empty elements of a list.
  const specs = (spec ?? '').split(',').map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''))
  const [only, ...others] = specs.filter((part) => part !== '')
  const match = /^(\d*)-(\d*)$/.exec(only ?? '')
  if (match === null || others.length > 0) return whole
  const [, first = '', last = ''] = match
  if (first === '') return last === '' ? whole : suffix(Number(last), size)
  // Above 2^53, different positions may be equal as numbers.
  if (last !== '' && BigInt(last) < BigInt(first)) return whole
  const start = Number(first)
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last)
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'range', start, end: Math.min(end, size - 1) }
}

function suffix(length: number, size: number): RequestedRange {
  if (length === 0) return { kind: 'unsatisfiable' }
  return size === 0 ? whole : { kind: 'range', start: Math.max(0, size - length), end: size - 1 }
}
