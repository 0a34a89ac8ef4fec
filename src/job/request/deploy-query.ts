import { expectedName } from '../../util/checks/nearest.ts'
import { type FieldError, invalidFields } from '../../util/errors.ts'
import { toNumber } from './config-data.ts'
import type { QueryForm } from './field.ts'
import { type RequestField, requestFields } from './fields.ts'
import { type PartialRequest, parseRequest } from './request-schema.ts'

/** Parts of a POST's form. */
const formParts = ['request', 'config_data', 'env_file', 'input']

/** `parameters.days=3` is the parameter `days` of the configured job. */
const parameterPrefix = 'parameters.'

const allowed = Object.entries(requestFields)
  .filter(([, field]) => field.query !== 'none')
  .map(([name]) => name)

/**
 * The request in the query of `GET /job/deploy`; without `job` it means the configured job
 * `default`. Throws a Problem `invalid-request` that names every wrong parameter, and POST for a
 * field that no query can hold.
 */
export function parseDeployQuery(query: Iterable<readonly [string, string]>): PartialRequest {
  const given = new Map<string, unknown>([['job', 'default']])
  const errors: FieldError[] = []
  const seen = new Set<string>()
  const parameters: [string, string][] = []
  for (const [name, value] of query) {
    if (name.startsWith(parameterPrefix) && !seen.has(name)) {
      parameters.push([name.slice(parameterPrefix.length), value])
      seen.add(name)
      continue
    }
    const form = formOf(name)
    if (form === 'none') {
      const expected = name === 'parameters' ? 'parameters.NAME=VALUE for each' : 'a POST with this field'
      errors.push({ field: name, problem: 'does not fit into a query', expected })
    } else if (seen.has(name)) {
      errors.push({ field: name, problem: 'is given twice', expected: 'one value' })
    } else if (form === undefined) {
      errors.push({ field: name, problem: 'is unknown', expected: expectedName(name, allowed) })
    } else given.set(name, parsers[form](value))
    seen.add(name)
  }
  if (errors.length > 0) throw invalidFields(errors)
  if (parameters.length > 0) given.set('parameters', Object.fromEntries(parameters))
  return parseRequest(Object.fromEntries(given))
}

/** The value in a query's text; any other text unchanged, so that the schema names the error. */
const parsers: Record<Exclude<QueryForm, 'none'>, (text: string) => unknown> = {
  text: (text) => text,
  number: toNumber,
  flag: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
  list: (text) => (text === '' ? [] : text.split(',')),
}

function formOf(name: string): QueryForm | undefined {
  if (formParts.includes(name)) return 'none'
  return Object.hasOwn(requestFields, name) ? requestFields[name as RequestField].query : undefined
}
