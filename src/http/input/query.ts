import type { Request } from 'express'
import { expectedName } from '../../util/checks/nearest.ts'
import { type FieldError, invalid, invalidFields } from '../../util/errors.ts'

/**
 * The query's parameters in their order, decoded like a form (`+` is a space). Throws a Problem
 * `invalid-request` if a parameter is not percent-encoded UTF-8.
 */
export function queryPairs(url: string): [name: string, value: string][] {
  const start = url.indexOf('?')
  if (start === -1) return []
  return url
    .slice(start + 1)
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const [name, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
      return [decode(name), decode(value)]
    })
}

/**
 * The query's parameters by name. Throws a Problem `invalid-request` that names each parameter that
 * is missing in `known` or given twice; of one that belongs into the body (`inBody`) it says so.
 */
export function readQuery(
  req: Request,
  known: readonly string[],
  inBody: (field: string) => boolean = () => false,
): Map<string, string> {
  const query = new Map<string, string>()
  const errors: FieldError[] = []
  for (const [field, value] of queryPairs(req.originalUrl)) {
    if (!known.includes(field) && inBody(field))
      errors.push({
        field,
        problem: 'does not belong into the query',
        expected: 'a JSON body with this field',
      })
    else if (!known.includes(field))
      errors.push({ field, problem: 'is unknown', expected: expectedOf(field, known) })
    else if (query.has(field)) errors.push({ field, problem: 'is given twice', expected: 'one value' })
    query.set(field, value)
  }
  if (errors.length > 0) throw invalidFields(errors)
  return query
}

/**
 * A whole number from `least` to `most`; undefined if the parameter is absent. Throws a Problem.
 */
export function integerOf(
  query: ReadonlyMap<string, string>,
  field: string,
  least: number,
  most: number,
): number | undefined {
  const text = query.get(field)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw invalid(field, 'is not allowed', `a whole number from ${least} to ${most}`)
}

/**
 * A parameter of `true` or `false`; false if it is absent. Throws a Problem for any other value.
 */
export function flagOf(query: ReadonlyMap<string, string>, field: string): boolean {
  const text = query.get(field) ?? 'false'
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalid(field, 'is not allowed', 'true or false')
}

function expectedOf(field: string, known: readonly string[]): string {
  return known.length === 0 ? 'no parameters' : expectedName(field, known)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw invalid('query', 'is not percent-encoded UTF-8', 'parameters like name=value&name=value')
  }
}
