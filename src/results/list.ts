import type { State } from '../job/job.ts'
import { type Entry, pathBytes } from '../result-format/entry.ts'
import type { Manifest } from '../result-format/manifest/manifest-reader.ts'
import { withoutForm } from '../result-format/stored-form.ts'
import { invalid } from '../util/errors.ts'
import { chunkLength } from '../util/lines.ts'
import { defined } from '../util/objects.ts'
import { jsonLine } from '../util/text/json-line.ts'
import type { LocatedResult } from './locate.ts'
import type { OpenResult } from './open-result.ts'
import { encodeValue, flagParameter, single } from './raw-query.ts'

/** An entry as callers get it. */
export type ListedEntry = ReturnType<typeof withoutForm> & {
  /** The known damage of its bytes in the store, which makes them unreadable. */
  damage?: string
}

/** The known damage of an entry; undefined if none is known. */
export type DamageOf = (entry: Entry) => string | undefined

export interface ResultListQuery {
  prefix?: Buffer
  after?: Buffer
  limit?: number
  /** Check every listed file in the store. */
  verify?: boolean
  /** The job need not be final. */
  soFar?: boolean
}

export interface ResultList {
  job_uuid: string
  state: State
  result_state: LocatedResult['state']
  attempt: { number: number; uid: string } | null
  /** Number of entries in the whole result, as are the `bytes`; not only of this page. */
  count: number
  bytes: number
  files: ListedEntry[]
  /** Link to the next page. */
  next: string | null
}

export const listParameters = ['prefix', 'limit', 'after', 'verify', 'so_far']
const defaultLimit = 1000
const maxLimit = 10_000

/** Reads a query that rawQuery() has parsed. Throws a Problem that names the wrong parameter. */
export function parseListQuery(query: ReadonlyMap<string, Buffer[]>): ResultListQuery {
  const prefix = single(query, 'prefix')
  const after = single(query, 'after')
  const limit = single(query, 'limit')
  const verify = flagParameter(query, 'verify')
  const soFar = flagParameter(query, 'so_far')
  return {
    ...defined({ prefix, after }),
    ...(limit !== undefined && { limit: parseLimit(limit.toString('utf8')) }),
    ...defined({ verify, soFar }),
  }
}

export type Page = Awaited<ReturnType<Manifest['page']>>

export function readPage(
  { manifest }: OpenResult,
  query: ResultListQuery,
  signal?: AbortSignal,
): Promise<Page> {
  const { verify: _, soFar: __, limit = defaultLimit, ...range } = query
  return manifest.page({ ...range, limit, ...defined({ signal }) })
}

/** A page as callers get it; `next` is `self`, the list's own URL, with a query. */
export function listOf(
  { located, manifest }: OpenResult,
  page: Page,
  query: ResultListQuery,
  self: string,
  damageOf: DamageOf,
): ResultList {
  const last = page.entries.at(-1)
  const { job } = located
  return {
    job_uuid: job.job_uuid,
    state: job.state,
    result_state: located.state,
    attempt: job.attempt,
    count: manifest.head.count,
    bytes: manifest.head.bytes,
    files: page.entries.map((entry) => listed(entry, damageOf)),
    next: page.more && last !== undefined ? nextLink(self, query, pathBytes(last)) : null,
  }
}

/** At most `limit` entries as NDJSON, one a line, in chunks of about 64 KiB. */
export async function* listLines(
  entries: AsyncIterable<Entry>,
  damageOf: DamageOf,
  limit?: number,
): AsyncGenerator<Buffer, void> {
  let text = ''
  let left = limit ?? Number.POSITIVE_INFINITY
  for await (const entry of entries) {
    text += `${jsonLine(listed(entry, damageOf))}\n`
    left -= 1
    if (left === 0) break
    if (text.length < chunkLength) continue
    yield Buffer.from(text, 'utf8')
    text = ''
  }
  if (text !== '') yield Buffer.from(text, 'utf8')
}

function listed(entry: Entry, damageOf: DamageOf): ListedEntry {
  const shown = withoutForm(entry)
  const damage = entry.key === undefined ? undefined : damageOf(entry)
  return damage === undefined ? shown : { ...shown, damage }
}

function parseLimit(text: string): number {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= maxLimit) return limit
  throw invalid('limit', `${JSON.stringify(text)} is not allowed`, `a whole number from 1 to ${maxLimit}`)
}

function nextLink(self: string, { prefix, limit, verify, soFar }: ResultListQuery, after: Buffer): string {
  const parameters = [`after=${encodeValue(after)}`]
  if (prefix !== undefined) parameters.push(`prefix=${encodeValue(prefix)}`)
  if (limit !== undefined) parameters.push(`limit=${limit}`)
  if (verify) parameters.push('verify=true')
  if (soFar) parameters.push('so_far=true')
  return `${self}?${parameters.join('&')}`
}
