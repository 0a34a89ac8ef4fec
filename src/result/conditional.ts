import { parseHttpDate } from './http-date.ts'

/** The conditional fields of a GET or HEAD request, as Node names them. */
export interface Conditions {
  'if-match'?: string | undefined
  'if-none-match'?: string | undefined
  'if-modified-since'?: string | undefined
  'if-unmodified-since'?: string | undefined
  'if-range'?: string | string[] | undefined
}

/** What a representation is compared by. */
export interface Validators {
  /** Strong, with its quotes. */
  etag: string
  /** Whole seconds since the epoch; absent where there is no date to tell. */
  lastModified?: number | undefined
}

export type Verdict = 'proceed' | 'not-modified' | 'precondition-failed'

/** Evaluates a GET's or HEAD's preconditions in the order of RFC 9110 §13.2.2; malformed ones are ignored. */
export function evaluate(conditions: Conditions, { etag, lastModified }: Validators): Verdict {
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
 * Whether a Range header counts (RFC 9110 §13.1.5). A date is a strong validator here: what a final job left does
 * not change any more.
 */
export function rangeCounts(conditions: Conditions, { etag, lastModified }: Validators): boolean {
  const condition = conditions['if-range']
  if (condition === undefined) return true
  if (typeof condition !== 'string') return false
  if (condition.includes('"')) return condition === etag
  const date = parseHttpDate(condition)
  return date !== undefined && date === lastModified
}

/** Whether a list of entity tags, or `*`, has this strong one. */
function listed(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => tag === etag || (comparison === 'weak' && tag === `W/${etag}`))
}

function dateOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : parseHttpDate(value)
}
