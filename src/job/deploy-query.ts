import { type FieldError, invalidFields } from '../errors.ts'
import { wholeNumber } from './config-data.ts'
import { requestFields } from './request-fields.ts'
import { type PartialRequest, parseRequest } from './request-schema.ts'

/** Fields that a query can't hold. */
const postOnly = new Set([
  'env',
  'volumes',
  'node_selector',
  'tolerations',
  'labels',
  'request',
  'config_data',
  'env_file',
  'input',
])
const lists = new Set(['command', 'args', 'config_map_ref', 'callback_events'])
const numbers = new Set([
  'gpu',
  'run_as_user',
  'retries',
  'start_timeout_seconds',
  'timeout_seconds',
  'stop_grace_seconds',
  'upload_timeout_seconds',
  'keep_seconds',
  'result_keep_seconds',
])
const flags = new Set(['upload_while_running'])

/**
 * The request in the query of `GET /job/deploy`: plain values, lists separated by commas; without `job` it means
 * `default`. Rejects with a Problem `invalid-request` that names every wrong parameter, and POST where only that
 * takes the field.
 */
export function parseDeployQuery(query: Iterable<readonly [string, string]>): PartialRequest {
  const given = new Map<string, unknown>([['job', 'default']])
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [name, value] of query) {
    if (postOnly.has(name)) {
      errors.push({ field: name, problem: 'does not fit into a query', expected: 'a POST with this field' })
    } else if (seen.has(name)) {
      errors.push({ field: name, problem: 'is given twice', expected: 'it once' })
    } else if (!Object.hasOwn(requestFields, name)) {
      errors.push({ field: name, problem: 'is unknown', expected: `one of ${known()}` })
    }
    seen.add(name)
    given.set(name, plainValue(name, value))
  }
  if (errors.length > 0) throw invalidFields(errors)
  return parseRequest(Object.fromEntries(given))
}

function plainValue(name: string, value: string): unknown {
  if (lists.has(name)) return value === '' ? [] : value.split(',')
  if (flags.has(name)) return value === 'true' || value === 'false' ? value === 'true' : value
  return numbers.has(name) ? wholeNumber(value) : value
}

function known(): string {
  return Object.keys(requestFields)
    .filter((name) => !postOnly.has(name))
    .join(', ')
}
