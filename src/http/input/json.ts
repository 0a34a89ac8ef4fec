import { invalid, messageOf } from '../../util/errors.ts'
import { isObject } from '../../util/objects.ts'
import { utf8Text } from '../../util/text/utf8-text.ts'
import { envLiterals } from './env-literals.ts'

/**
 * The parsed value of a JSON text, which may begin with a byte order mark. Throws a Problem
 * `invalid-request` that names `field`.
 */
export function parseJson(bytes: Uint8Array, field: string): unknown {
  const text = utf8Text(bytes, field, 'a JSON object')
  try {
    return JSON.parse(text)
  } catch (cause) {
    const isCut = field !== 'body' && endsTooEarly(text)
    const problem = invalid(
      field,
      isCut ? 'is JSON that ends too early' : `is not JSON${placeOf(cause)}`,
      expectedFor(field, isCut),
    )
    problem.cause = cause
    throw problem
  }
}

/**
 * As parseJson(), with the numbers and booleans of each `env`, also of steps, as texts, as they are
 * written: JSON.parse makes 1.1 of the version 1.10, and loses digits beyond 2^53.
 */
export function parseRequestJson(bytes: Uint8Array, field: string): unknown {
  const request = parseJson(bytes, field)
  if (!isObject(request)) return request
  const steps = Array.isArray(request.steps) ? request.steps.filter(isObject) : []
  if (![request, ...steps].some(hasPlainVariable)) return request
  const literals = envLiterals(utf8Text(bytes, field, 'a JSON object'))
  keepTexts(request, literals.own)
  for (const [index, step] of steps.entries()) keepTexts(step, literals.steps[index])
  return request
}

function hasPlainVariable({ env }: Record<string, unknown>): boolean {
  return isObject(env) && Object.values(env).some(isPlain)
}

function keepTexts({ env }: Record<string, unknown>, literals: Iterable<[string, string]> = []): void {
  if (!isObject(env)) return
  for (const [name, literal] of literals) {
    if (isPlain(env[name])) env[name] = literal
  }
}

function isPlain(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

/** V8 names the place of most errors; the rest of its message may repeat secret text. */
function placeOf(cause: unknown): string {
  const [place] = /\(line \d+ column \d+\)$/.exec(messageOf(cause)) ?? []
  return place === undefined ? '' : ` ${place}`
}

/** Whether a part of a JSON value is missing at the end of a text. */
function endsTooEarly(text: string): boolean {
  const quotes = text.match(/\\.|"/gs)?.filter((found) => found === '"').length ?? 0
  return text.trimStart().startsWith('{') && (quotes % 2 === 1 || !text.trimEnd().endsWith('}'))
}

/** curl takes a `;` in the value of -F for the beginning of the part's own parameters. */
function expectedFor(field: string, isCut: boolean): string {
  if (!isCut) return 'a JSON object'
  return `a whole JSON object; curl's -F cuts a value at ";": send it by --form-string '${field}={…}' or -F '${field}=<FILE'`
}
