import { type Entry, pathBytes } from '../artifact/entry.ts'
import { chunkLength } from '../artifact/lines.ts'
import type { Manifest } from '../artifact/manifest-reader.ts'
import { invalid } from '../errors.ts'
import type { OpenedResult } from './opened.ts'
import { encodeValue, flag, single } from './raw-query.ts'

/** An entry as callers see it. */
export type ListedEntry = Omit<Entry, 'key' | 'offset' | 'etag'> & {
  /** What is wrong with its bytes in the store, as far as it is known: they can't be read. */
  damage?: string
}

/** Of an entry, undefined where none is known. */
export type DamageOf = (entry: Entry) => string | undefined

export interface ListQuery {
  prefix?: Buffer
  after?: Buffer
  limit?: number
  /** Ask the store for every file that is listed. */
  verify?: boolean
  /** The job need not be final. */
  soFar?: boolean
}

export interface ResultList {
  job_uuid: string
  state: string
  result_state: string
  attempt: { number: number; uid: string } | null
  /** Of the whole result, whatever the page shows. */
  count: number
  bytes: number
  files: ListedEntry[]
  /** Link to the next page. */
  next: string | null
}

export const listParameters = ['prefix', 'limit', 'after', 'verify', 'so_far']
const defaultLimit = 1000
const maxLimit = 10_000

/** Reads a query that rawQuery() has parsed. Throws a Problem that names what is wrong. */
export function parseListQuery(query: ReadonlyMap<string, Buffer[]>): ListQuery {
  const prefix = single(query, 'prefix')
  const after = single(query, 'after')
  const limit = single(query, 'limit')
  const verify = flag(query, 'verify')
  const soFar = flag(query, 'so_far')
  return {
    ...(prefix === undefined ? {} : { prefix }),
    ...(after === undefined ? {} : { after }),
    ...(limit === undefined ? {} : { limit: parseLimit(limit.toString('utf8')) }),
    ...(verify === undefined ? {} : { verify }),
    ...(soFar === undefined ? {} : { soFar }),
  }
}

export type Page = Awaited<ReturnType<Manifest['page']>>

export function readPage({ manifest }: OpenedResult, query: ListQuery, signal?: AbortSignal): Promise<Page> {
  const { verify: _, soFar: __, limit = defaultLimit, ...range } = query
  return manifest.page({ ...range, limit, ...(signal === undefined ? {} : { signal }) })
}

/** A page as callers get it; `self` is the list's own address, which `next` extends. */
export function listOf(
  { located, manifest }: OpenedResult,
  page: Page,
  query: ListQuery,
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

/** Entries as NDJSON, one a line, in chunks of about 64 KiB; as many as the query's limit where it has one. */
export async function* listLines(
  entries: AsyncIterable<Entry>,
  damageOf: DamageOf,
  limit?: number,
): AsyncGenerator<Buffer, void> {
  let text = ''
  let left = limit ?? Number.POSITIVE_INFINITY
  for await (const entry of entries) {
    text += `${JSON.stringify(listed(entry, damageOf))}\n`
    left -= 1
    if (left === 0) break
    if (text.length < chunkLength) continue
    yield Buffer.from(text, 'utf8')
    text = ''
  }
  if (text !== '') yield Buffer.from(text, 'utf8')
}

function listed(entry: Entry, damageOf: DamageOf): ListedEntry {
  const { key: _key, offset: _offset, etag: _etag, ...shown } = entry
  const damage = entry.key === undefined ? undefined : damageOf(entry)
  return damage === undefined ? shown : { ...shown, damage }
}

function parseLimit(text: string): number {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= maxLimit) return limit
  throw invalid('limit', `${JSON.stringify(text)} is no such number`, `a whole number from 1 to ${maxLimit}`)
}

function nextLink(self: string, { prefix, limit, verify, soFar }: ListQuery, after: Buffer): string {
  const parameters = [`after=${encodeValue(after)}`]
  if (prefix !== undefined) parameters.push(`prefix=${encodeValue(prefix)}`)
  if (limit !== undefined) parameters.push(`limit=${limit}`)
  if (verify) parameters.push('verify=true')
  if (soFar) parameters.push('so_far=true')
  return `${self}?${parameters.join('&')}`
}
