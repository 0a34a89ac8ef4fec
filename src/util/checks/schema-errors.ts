import * as z from 'zod'
import { type FieldError, invalidFields } from '../errors.ts'
import { expectedName } from './nearest.ts'

/** Maximum depth of objects and lists in a request: the values of an `affinity` need it. */
const maxDepth = 9
/** Bounds of one answer: the errors in it, and the characters of a field name of the caller's. */
const maxErrors = 50
const maxNameLength = 100

/**
 * Checks a value of a caller's. Throws a Problem `invalid-request` that names each wrong field by
 * its path below `root`: `env.FOO`, `volumes[0].mount_path`. It never repeats values, which may be
 * secret.
 */
export function check<Output>(schema: z.ZodType<Output>, value: unknown, root = ''): Output {
  const unsafe = [...unsafeParts(value, root, 0)]
  if (unsafe.length > 0) throw invalidFields(unsafe.slice(0, maxErrors))
  const outcome = schema.safeParse(value, { reportInput: true })
  if (outcome.success) return outcome.data
  const errors = outcome.error.issues.flatMap((issue) => fieldErrors(issue, root, schema))
  throw invalidFields(errors.slice(0, maxErrors))
}

function fieldErrors(issue: z.core.$ZodIssue, root: string, schema: z.ZodType): FieldError[] {
  const field = issue.path.reduce<string>(fieldPath, root)
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, issue.path)
    return issue.keys.slice(0, maxErrors).map((key) => ({
      field: fieldPath(field, key),
      problem: 'is unknown',
      expected: expectedName(key, known, issue.message),
    }))
  }
  if (issue.code === 'invalid_key') {
    return [{ field, problem: 'has a name that is not allowed', expected: issue.issues[0]?.message ?? '' }]
  }
  if (field === '') return [{ field: 'request', problem: problemOf(issue), expected: 'an object' }]
  return [{ field, problem: problemOf(issue), expected: issue.message }]
}

/** The names of the fields that the object at a path of the schema may have. */
function fieldsAt(schema: z.core.$ZodType | undefined, path: readonly PropertyKey[]): string[] {
  const [part, ...rest] = path
  if (schema instanceof z.ZodExactOptional || schema instanceof z.ZodPrefault) {
    return fieldsAt(schema.unwrap(), path)
  }
  if (schema instanceof z.ZodArray) return fieldsAt(schema.element, rest)
  if (schema instanceof z.ZodRecord) return fieldsAt(schema.valueType, rest)
  if (!(schema instanceof z.ZodObject)) return []
  const shape: z.core.$ZodShape = schema.shape
  return part === undefined ? Object.keys(shape) : fieldsAt(shape[String(part)], rest)
}

function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return 'is not allowed'
  if (issue.input === undefined) return 'is missing'
  // In a query and in dotenv, every value is text.
  const isText = typeof issue.input === 'string'
  if (isText && ['number', 'boolean'].includes(issue.expected)) return `is text, not a ${issue.expected}`
  if (issue.expected === 'int' && typeof issue.input === 'number') return 'is not a whole number'
  return `is ${typeName(issue.input)}`
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? 'a string' : `a ${typeof value}`
}

/** A part's path in errors, bounded and printable: `env.FOO`, `volumes[0]`. */
export function fieldPath(path: string, part: PropertyKey): string {
  if (typeof part === 'number') return `${path}[${part}]`
  const name = printable(String(part)).slice(0, maxNameLength)
  return path === '' ? name : `${path}.${name}`
}

/**
 * Values invalid in every field: NUL, lone surrogates (no process accepts them), and deep nesting.
 */
function* unsafeParts(value: unknown, path: string, depth: number): Generator<FieldError> {
  if (typeof value === 'string') {
    const problem = unsafeText(value)
    if (problem) yield { field: path || 'request', problem, expected: 'text without it' }
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (depth > maxDepth) {
    yield { field: path, problem: 'is nested too deeply', expected: 'a simpler value' }
    return
  }
  for (const [key, item] of Object.entries(value)) {
    const field = fieldPath(path, Array.isArray(value) ? Number(key) : key)
    // zod silently ignores a key with this name.
    const problem = key === '__proto__' ? 'is not allowed' : unsafeText(key)
    if (problem) yield { field, problem, expected: 'another name' }
    yield* unsafeParts(item, field, depth + 1)
  }
}

function unsafeText(text: string): string | undefined {
  if (text.includes('\0')) return 'contains a NUL character'
  return text.isWellFormed() ? undefined : 'contains half a surrogate pair'
}

function printable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\\0')
}
