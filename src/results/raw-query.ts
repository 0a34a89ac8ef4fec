import { invalid } from '../util/errors.ts'

/**
 * The values of each name in a URL's query, as bytes since paths may not be UTF-8; `+` is a space.
 * Throws a Problem that names the field for a broken percent escape, a NUL byte or a name missing
 * in `known`.
 */
export function rawQuery(url: string, known: readonly string[]): Map<string, Buffer[]> {
  const values = new Map<string, Buffer[]>()
  const start = url.indexOf('?')
  if (start === -1) return values
  for (const pair of url.slice(start + 1).split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const rawName = equals === -1 ? pair : pair.slice(0, equals)
    const name = decode(rawName, rawName).toString('utf8')
    if (!known.includes(name)) throw invalid(name, 'is not a parameter of this call', expectedNames(known))
    const value = decode(equals === -1 ? '' : pair.slice(equals + 1), name)
    if (value.includes(0)) throw invalid(name, 'has a NUL byte', 'bytes that a path can have')
    values.set(name, [...(values.get(name) ?? []), value])
  }
  return values
}

/** The value of a parameter; undefined if it is absent. Throws a Problem if it is given twice. */
export function single(query: ReadonlyMap<string, Buffer[]>, name: string): Buffer | undefined {
  const values = query.get(name) ?? []
  if (values.length > 1) throw invalid(name, `is given ${values.length} times`, 'one value at most')
  return values[0]
}

/**
 * A parameter of `true` or `false`; undefined if it is absent. Throws a Problem for other values.
 */
export function flagParameter(query: ReadonlyMap<string, Buffer[]>, name: string): boolean | undefined {
  const text = single(query, name)?.toString('utf8')
  if (text === undefined) return undefined
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalid(name, `${JSON.stringify(text)} is not allowed`, 'true or false')
}

/** The bytes as a value in a query, percent-encoded. */
export function encodeValue(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    text += /[A-Za-z0-9._~/-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

/** Decodes percent escapes. In Node's URL, each unescaped byte is one latin1 character. */
function decode(text: string, field: string): Buffer {
  const broken = /%(?![0-9A-Fa-f]{2}).{0,2}/s.exec(text)
  if (broken !== null) {
    throw invalid(
      field,
      `has a broken percent escape, ${broken[0]}`,
      '% and two hex digits; %25 for a percent sign',
    )
  }
  const plain = text.replaceAll('+', ' ')
  return Buffer.from(
    plain.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

function expectedNames(known: readonly string[]): string {
  return known.length === 0 ? 'none' : `one of ${known.join(', ')}`
}
