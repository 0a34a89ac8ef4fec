import { parseHttpDate } from './http-date.ts'

/** The conditional headers of a GET or HEAD request, under Node's names. */
export interface Conditions {
  'if-match'?: string | undefined
  'if-none-match'?: string | undefined
  'if-modified-since'?: string | undefined
  'if-unmodified-since'?: string | undefined
  'if-range'?: string | string[] | undefined
}

/** A representation's validators (RFC 9110 §8.8). */
export interface Validators {
  /** A strong ETag, with quotes. */
  etag: string
  /** Whole seconds since the epoch; undefined without a date. */
  lastModified?: number | undefined
}

export type PreconditionResult = 'proceed' | 'not-modified' | 'precondition-failed'

/**
 * Evaluates a GET's or HEAD's preconditions in the order of RFC 9110 §13.2.2; ignores malformed
 * ones.
 */
export function evaluatePreconditions(
  conditions: Conditions,
  { etag, lastModified }: Validators,
): PreconditionResult {
  const ifMatch = conditions['if-match']
  if (ifMatch !== undefined) {
    if (!listed(ifMatch, etag, 'strong')) return 'precondition-failed'
  } else {
    const limit = dateOf(conditions['if-unmodified-since'])
    if (limit !== undefined && lastModified !== undefined && lastModified > limit)
      return 'precondition-failed'
  }
  const ifNoneMatch = conditions['if-none-match']
  if (ifNoneMatch !== undefined) return listed(ifNoneMatch, etag, 'weak') ? 'not-modified' : 'proceed'
  const since = dateOf(conditions['if-modified-since'])
  return since !== undefined && lastModified !== undefined && lastModified <= since
    ? 'not-modified'
    : 'proceed'
}

/**
 * True if a Range header applies (RFC 9110 §13.1.5). A date is a strong validator here, since the
 * results of a final job never change.
 */
export function rangeCounts(conditions: Conditions, { etag, lastModified }: Validators): boolean {
  const condition = conditions['if-range']
  if (condition === undefined) return true
  if (typeof condition !== 'string') return false
  if (condition.includes('"')) return condition === etag
  const date = parseHttpDate(condition)
  return date !== undefined && date === lastModified
}

/** True if the list of entity tags contains this strong one, or is `*`. */
function listed(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => tag === etag || (comparison === 'weak' && tag === `W/${etag}`))
}

function dateOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : parseHttpDate(value)
}
