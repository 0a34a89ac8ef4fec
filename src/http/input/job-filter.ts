import type { Request } from 'express'
import { phases, states } from '../../job/job.ts'
import { isLabelKey } from '../../job/request/syntax.ts'
import type { JobFilter } from '../../lifecycle/finding/job-filter.ts'
import { expectedName } from '../../util/checks/nearest.ts'
import { type FieldError, invalid, invalidFields } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { queryPairs } from './query.ts'

export const filterNames = ['state', 'phase', 'job', 'name', 'label', 'made_by', 'since', 'until'] as const

export interface FilteredQuery {
  /** Undefined if the query names no filter. */
  filter: JobFilter | undefined
  /** The filters as they were given, for links to further pages. */
  given: [name: string, value: string][]
  /** The other parameters. */
  query: ReadonlyMap<string, string>
}

/**
 * The filters of a query, and its parameters of the names `others`. Throws a Problem
 * `invalid-request` that names each wrong or unknown one; of a misspelt one the nearest.
 */
export function readFilteredQuery(req: Request, others: readonly string[]): FilteredQuery {
  const known = [...filterNames, ...others]
  const query = new Map<string, string>()
  const given: [string, string][] = []
  const values = new Map<string, string[]>()
  const errors: FieldError[] = []
  for (const [field, value] of queryPairs(req.originalUrl)) {
    const isFilter = (filterNames as readonly string[]).includes(field)
    const isTwice = field !== 'label' && (values.has(field) || query.has(field))
    if (!known.includes(field))
      errors.push({ field, problem: 'is unknown', expected: expectedName(field, known) })
    else if (isTwice) errors.push({ field, problem: 'is given twice', expected: twice(field) })
    else if (!isFilter) query.set(field, value)
    else if (value === '')
      errors.push({ field, problem: 'is empty', expected: 'a value, or no such parameter' })
    else {
      values.set(field, [...(values.get(field) ?? []), value])
      given.push([field, value])
    }
  }
  const filter = filterOf(values, errors)
  if (errors.length > 0) throw invalidFields(errors)
  return { filter: given.length === 0 ? undefined : filter, given, query }
}

/** Throws a Problem `invalid-request` without any filter: such a call would mean every job. */
export function requireFilter({ filter }: FilteredQuery): JobFilter {
  if (filter) return filter
  const expected = `at least one of ${filterNames.join(', ')}; until=<now> means all jobs of before`
  throw invalid('query', 'has no filter, which would mean every job', expected)
}

function filterOf(values: ReadonlyMap<string, readonly string[]>, errors: FieldError[]): JobFilter {
  const one = (field: string) => values.get(field)?.[0]
  const [since, until] = [timeOf('since', one('since'), errors), timeOf('until', one('until'), errors)]
  if (since !== undefined && until !== undefined && since >= until) {
    errors.push({
      field: 'until',
      problem: 'is not after since',
      expected: 'a later time than that of since',
    })
  }
  return {
    labels: (values.get('label') ?? []).flatMap((text) => labelOf(text, errors)),
    ...defined({
      states: wordsOf('state', one('state'), states, errors),
      phases: wordsOf('phase', one('phase'), phases, errors),
      job: one('job'),
      name: one('name'),
      madeBy: one('made_by'),
      since,
      until,
    }),
  }
}

function twice(field: string): string {
  return field === 'state' || field === 'phase' ? `one list: ${field}=a,b` : 'one value'
}

/** A list separated by commas. */
function wordsOf<Word extends string>(
  field: string,
  text: string | undefined,
  words: readonly Word[],
  errors: FieldError[],
): ReadonlySet<Word> | undefined {
  if (text === undefined) return undefined
  const found = new Set<Word>()
  for (const said of text.split(',')) {
    const word = words.find((one) => one === said)
    if (word !== undefined) found.add(word)
    else
      errors.push({ field, problem: `has no ${JSON.stringify(said)}`, expected: expectedName(said, words) })
  }
  return found
}

/** Both ends are compared with a job's `created_at`. */
function timeOf(field: string, text: string | undefined, errors: FieldError[]): number | undefined {
  if (text === undefined) return undefined
  const hasForm = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
  const time = hasForm && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN
  if (time >= 0) return time
  // In a query `+` is a space.
  const expected = 'a time like 2026-01-31T12:00:00Z or a day like 2026-01-31 (UTC); a + is written %2B'
  errors.push({ field, problem: 'is not a time', expected })
  return undefined
}

/** Date.parse() takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const time = Date.parse(day)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

function labelOf(text: string, errors: FieldError[]): [string, string][] {
  const equals = text.indexOf('=')
  const [key, value] = [text.slice(0, equals), text.slice(equals + 1)]
  if (equals > 0 && isLabelKey(key)) return [[key, value]]
  errors.push({ field: 'label', problem: 'is not KEY=VALUE', expected: 'a label like team=physics' })
  return []
}
