import { invalid } from '../errors.ts'

/** Without `ignoreBOM` it drops a byte order mark. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The text of a caller's bytes, without a byte order mark. Throws a Problem `invalid-request` that
 * names `field` and the first line that is not UTF-8.
 */
export function utf8Text(bytes: Uint8Array, field: string, expected: string): string {
  const text = decoded(bytes)
  if (text !== undefined) return text
  const [first = 0, second = 0] = bytes
  const isUtf16 = first + second === 0xff + 0xfe && first >= 0xfe
  if (isUtf16) throw invalid(field, 'is UTF-16', `${expected} in UTF-8`)
  throw invalid(field, `is not UTF-8 in line ${brokenLine(bytes)}`, `${expected} in UTF-8`)
}

/** Splits a text into lines, however they end: \n, \r\n or \r. */
export function textLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/)
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** No UTF-8 character contains the byte of a line end, so that each line can be decoded alone. */
function brokenLine(bytes: Uint8Array): number {
  const lines = textLines(Buffer.from(bytes).toString('latin1'))
  return lines.findIndex((line) => decoded(Buffer.from(line, 'latin1')) === undefined) + 1
}
