import type * as z from 'zod'
import { type FieldError, invalidFields } from '../errors.ts'

/** Levels of objects and lists that a request may have; its own fields need three. */
const maxDepth = 6
/** Errors that one answer names, and how much of a caller's own name it repeats. */
const maxErrors = 50
const maxNameLength = 100

/**
 * Checks a value that came from outside. Rejects with a Problem `invalid-request` that names each wrong field by
 * its path below `root`: `env.FOO`, `volumes[0].mount_path`. Values are never repeated: they may be secret.
 */
export function check<Output>(schema: z.ZodType<Output>, value: unknown, root = ''): Output {
  const unsafe = [...unsafeParts(value, root, 0)]
  if (unsafe.length > 0) throw invalidFields(unsafe.slice(0, maxErrors))
  const outcome = schema.safeParse(value, { reportInput: true })
  if (outcome.success) return outcome.data
  const errors = outcome.error.issues.flatMap((issue) => fieldErrors(issue, root))
  throw invalidFields(errors.slice(0, maxErrors))
}

function fieldErrors(issue: z.core.$ZodIssue, root: string): FieldError[] {
  const field = issue.path.reduce<string>(fieldPath, root)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: fieldPath(field, key),
      problem: 'is unknown',
      expected: issue.message,
    }))
  }
  if (issue.code === 'invalid_key') {
    return [{ field, problem: 'has a name that is not allowed', expected: issue.issues[0]?.message ?? '' }]
  }
  if (field === '') return [{ field: 'request', problem: problemOf(issue), expected: 'an object' }]
  return [{ field, problem: problemOf(issue), expected: issue.message }]
}

function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return 'is not allowed'
  return issue.input === undefined ? 'is missing' : `is ${typeName(issue.input)}`
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'number' && !Number.isInteger(value)) return 'no whole number'
  return typeof value === 'string' ? 'a string' : `a ${typeof value}`
}

function fieldPath(path: string, part: PropertyKey): string {
  if (typeof part === 'number') return `${path}[${part}]`
  const name = printable(String(part)).slice(0, maxNameLength)
  return path === '' ? name : `${path}.${name}`
}

/** What no field may hold: NUL and lone surrogates, which no process can be given, and endless nesting. */
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
    // zod passes over a key of that name without a word.
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
