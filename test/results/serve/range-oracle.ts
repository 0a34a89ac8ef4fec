/**
 * The meaning of a Range header by RFC 9110 (§14.1.1, §14.1.2, §14.2) for a server that answers
 * one range and ignores several. Written independently of src/, character by character, to check
 * it. `first` and `last` are inclusive.
 */
export type Demanded = 'ignore' | 'unsatisfiable' | { first: number; last: number }

export function demanded(header: string | undefined, size: number): Demanded {
  const equals = header?.indexOf('=') ?? -1
  if (header === undefined || equals === -1) return 'ignore'
  // §14.1: range unit names are case-insensitive; an unknown unit is ignored.
  if (header.slice(0, equals).toLowerCase() !== 'bytes') return 'ignore'
  const specs: [bigint | undefined, bigint | undefined][] = []
  for (const element of header.slice(equals + 1).split(',')) {
    const text = withoutOws(element)
    // §5.6.1.2: a recipient must accept empty elements.
    if (text === '') continue
    const spec = specOf(text)
    if (spec === undefined) return 'ignore'
    specs.push(spec)
  }
  const [only, ...others] = specs
  if (only === undefined || others.length > 0) return 'ignore'
  return select(only, BigInt(size))
}

/** First and last position, or [undefined, length] of a suffix-range; undefined if invalid. */
function specOf(text: string): [bigint | undefined, bigint | undefined] | undefined {
  const hyphen = text.indexOf('-')
  if (hyphen === -1) return undefined
  const [before, after] = [text.slice(0, hyphen), text.slice(hyphen + 1)]
  if (!isDigits(before) || !isDigits(after) || before + after === '') return undefined
  const first = before === '' ? undefined : BigInt(before)
  const last = after === '' ? undefined : BigInt(after)
  // §14.1.1: an int-range whose last position is less than its first is invalid.
  return first !== undefined && last !== undefined && last < first ? undefined : [first, last]
}

/** §14.1.2: satisfiable if the first position is below the size, or the suffix is not empty. */
function select([first, last]: [bigint | undefined, bigint | undefined], size: bigint): Demanded {
  if (first === undefined) {
    if (last === 0n) return 'unsatisfiable'
    // A suffix of an empty file is satisfiable, but Content-Range has no form for it.
    if (size === 0n) return 'ignore'
    const length = last === undefined || last > size ? size : last
    return { first: Number(size - length), last: Number(size - 1n) }
  }
  if (first >= size) return 'unsatisfiable'
  const end = last === undefined || last >= size ? size - 1n : last
  return { first: Number(first), last: Number(end) }
}

function isDigits(text: string): boolean {
  return [...text].every((character) => character >= '0' && character <= '9')
}

function withoutOws(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && ' \t'.includes(text.charAt(start))) start += 1
  while (end > start && ' \t'.includes(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}
