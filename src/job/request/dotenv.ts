import type * as z from 'zod'
import { check, fieldPath } from '../../util/checks/schema-errors.ts'
import { type FieldError, invalid, invalidFields, Problem } from '../../util/errors.ts'
import { textLines, utf8Text } from '../../util/text/utf8-text.ts'

/**
 * The names and values of a dotenv file, unchecked, in the dialect of Docker Compose
 * (github.com/compose-spec/compose-go, dotenv/parser.go) without interpolation: `$` is a character
 * like others. Two forms that Compose accepts lose text and are refused: a name without a value,
 * and text behind a closing quote. Throws a Problem `invalid-request` that names `field` and the
 * line's number, never the line's text, which may be secret.
 */
export function parseDotenv(bytes: Uint8Array, field: string): Record<string, string> {
  return Object.fromEntries(assignments(bytes, field).map(({ name, value }) => [name, value]))
}

/**
 * The variables of a dotenv file as a schema has them. Throws as parseDotenv() and check() do; the
 * problem of a variable names its line as well.
 */
export function checkDotenv<Output>(schema: z.ZodType<Output>, bytes: Uint8Array, field: string): Output {
  try {
    return check(schema, parseDotenv(bytes, field), field)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw invalidFields(withLines(error.errors, bytes, field))
  }
}

function withLines(errors: readonly FieldError[], bytes: Uint8Array, field: string): FieldError[] {
  // What can't be read has a line already.
  if (errors.some((error) => error.field === field)) return [...errors]
  const lines = new Map(assignments(bytes, field).map(({ name, line }) => [fieldPath(field, name), line]))
  return errors.map((error) => {
    const line = lines.get(error.field)
    return line === undefined ? error : { ...error, problem: `${error.problem} (line ${line})` }
  })
}

interface Assignment {
  name: string
  value: string
  /** From 1 on. */
  line: number
}

function assignments(bytes: Uint8Array, field: string): Assignment[] {
  const lines = textLines(utf8Text(bytes, field, 'lines of NAME=value'))
  const found: Assignment[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (line.includes('\0')) throw refusal(field, at, 'contains a NUL character', 'text without it')
    if (isBlankOrComment(line)) continue
    const [, name, rest] = statement.exec(line) ?? []
    if (name === undefined || rest === undefined) throw refusal(field, at, 'is not NAME=value', oneOfForms)
    const start = rest.replace(leadingSpace, '')
    const first = at + 1
    const quote = start[0]
    if (quote === '"' || quote === "'") {
      const quoted = readQuoted(lines, at, start, quote, field)
      const value = quote === '"' ? unescapeDouble(quoted.raw) : unescapeSingle(quoted.raw)
      found.push({ name, value, line: first })
      at = quoted.last
    } else found.push({ name, value: withoutComment(rest), line: first })
  }
  return found
}

/** Space within a line, as compose-go has it. */
const space = '[\\t\\v\\f \\u0085\\u00a0]'
const leadingSpace = new RegExp(`^${space}*`)
const blankOrComment = new RegExp(`^${space}*(?:#|$)`)
const variableName = '[\\p{L}\\p{N}_.\\-\\[\\]]+'
const statement = new RegExp(`^${space}*(?:export${space}+)?(${variableName})${space}*[=:](.*)$`, 'su')

const oneOfForms =
  'NAME=value, NAME= for an empty value, or a comment that begins with #; a value of several lines stands in quotes'

function isBlankOrComment(text: string): boolean {
  return blankOrComment.test(text)
}

/**
 * The unescaped text between two quotes that may lie on different lines; `value` is the line from
 * the first quote on.
 */
function readQuoted(lines: readonly string[], first: number, value: string, quote: string, field: string) {
  const parts: string[] = []
  for (let last = first; last < lines.length; last++) {
    const line = last === first ? value.slice(1) : (lines[last] ?? '')
    const end = closingQuote(line, quote)
    if (end === -1) {
      parts.push(line)
      continue
    }
    parts.push(line.slice(0, end))
    if (isBlankOrComment(line.slice(end + 1))) return { raw: parts.join('\n'), last }
    const expected = `a line end or a comment there; a ${quote} within the value is written \\${quote}`
    throw refusal(field, last, `has text behind the closing ${quote}`, expected)
  }
  throw refusal(field, first, `opens a ${quote} that is never closed`, `a closing ${quote} or none`)
}

function closingQuote(line: string, quote: string): number {
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if (line[at] === quote) return at
  }
  return -1
}

/** Single quotes escape themselves alone. */
function unescapeSingle(raw: string): string {
  return raw.replaceAll(/\\(.)/gs, (pair, character: string) => (character === "'" ? "'" : pair))
}

const escapes = new Map(
  Object.entries({
    a: '\x07',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
    $: '$',
    '"': '"',
    '\\': '\\',
  }),
)

/** Other escapes stay as they are. */
function unescapeDouble(raw: string): string {
  return raw.replaceAll(/\\(0[0-3][0-7]{2}|.)/gs, (pair, character: string) =>
    character.length > 1
      ? String.fromCharCode(Number.parseInt(character, 8))
      : (escapes.get(character) ?? pair),
  )
}

/** A # without a space before it belongs to the value: `p@ss#word`, `#FF0000`. */
function withoutComment(text: string): string {
  const comment = text.indexOf(' #')
  return (comment === -1 ? text : text.slice(0, comment)).replace(leadingSpace, '').trimEnd()
}

function refusal(field: string, line: number, problem: string, expected: string) {
  return invalid(field, `line ${line + 1} ${problem}`, expected)
}
