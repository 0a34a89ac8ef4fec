import { createHash } from 'node:crypto'
import { type Entry, pathFields } from './entry.ts'
import { BrokenLines, flatten, lineBatches } from './lines.ts'
import type { ManifestHead } from './manifest.ts'
import { type ManifestEnds, readEnds } from './manifest-ends.ts'
import { DamagedManifest, decodeEntry } from './manifest-format.ts'
import { findEntry, ManifestIndex, type Span } from './manifest-index.ts'
import { behindPrefix, comparePaths } from './path-order.ts'
import type { ArtifactStore, GetOptions } from './store.ts'

/** Which entries: paths in bytes. */
export interface EntryRange {
  /** Only paths that begin so. */
  prefix?: Uint8Array
  /** Only paths behind this one. */
  after?: Uint8Array
  signal?: AbortSignal
}

/**
 * A manifest whose index is in memory. Every read rejects with StoreError (`precondition-failed`, `not-found`:
 * it was replaced or removed since) and with DamagedManifest.
 */
export interface Manifest {
  readonly key: string
  readonly etag: string
  readonly head: ManifestHead
  /** About the bytes that it takes in memory. */
  readonly weight: number
  /** One ranged read. */
  entry(path: Uint8Array, signal?: AbortSignal): Promise<Entry | undefined>
  /** The first `limit` entries, and whether there are more; one ranged read. */
  page(range: EntryRange & { limit: number }): Promise<{ entries: Entry[]; more: boolean }>
  /** One read; without a range it ends well only if the manifest's digest and count were right. */
  entries(range?: EntryRange): AsyncIterable<Entry>
}

/** Opens a manifest with two or three requests; undefined where there is none. Rejects as Manifest's reads do. */
export async function openManifest(
  store: ArtifactStore,
  key: string,
  options: { signal?: AbortSignal } = {},
): Promise<Manifest | undefined> {
  const ends = await readEnds(store, key, options.signal)
  if (ends === undefined) return undefined
  const { foot, head } = ends
  const span = { start: foot.index_offset, end: foot.index_offset + foot.index_length }
  const bytes = ends.index ?? (await readSpan(store, key, ends.etag, span, options.signal))
  return manifestOver(store, key, ends, new ManifestIndex(key, bytes, foot, head.count))
}

/**
 * The head of a manifest that is whole; undefined where there is none, which takes one request. Rejects with
 * DamagedManifest, and with StoreError.
 */
export async function readHead(
  store: ArtifactStore,
  key: string,
  options: { signal?: AbortSignal } = {},
): Promise<ManifestHead | undefined> {
  return (await readEnds(store, key, options.signal))?.head
}

function manifestOver(store: ArtifactStore, key: string, ends: ManifestEnds, index: ManifestIndex): Manifest {
  const { etag, head } = ends
  return {
    key,
    etag,
    head,
    weight: index.weight + 1024,

    async entry(path, signal) {
      const span = index.around(path)
      if (span === undefined) return undefined
      const bytes = await readSpan(store, key, etag, span, signal)
      return findEntry(key, bytes.toString('utf8', 0, bytes.length - 1).split('\n'), path)
    },

    async page({ limit, ...range }) {
      const entries: Entry[] = []
      for await (const batch of batchesOf(range, limit + 1)) {
        entries.push(...batch)
        if (entries.length > limit) break
      }
      return { entries: entries.slice(0, limit), more: entries.length > limit }
    },

    entries(range = {}) {
      const all = range.prefix === undefined && range.after === undefined
      return flatten(all ? allBatches(store, key, ends, index.all(), range.signal) : batchesOf(range))
    },
  }

  async function* batchesOf(range: EntryRange, atMost?: number): AsyncGenerator<Entry[], void> {
    const prefix = range.prefix ?? Buffer.alloc(0)
    const after = range.after ?? Buffer.alloc(0)
    const upper = behindPrefix(prefix)
    const span = index.between(Buffer.compare(prefix, after) > 0 ? prefix : after, upper, atMost)
    if (span.start === span.end) return
    const body = await store.get(key, spanOptions(etag, span, range.signal))
    const bounds = { from: pathFields(prefix), after: pathFields(after), to: upper && pathFields(upper) }
    for await (const batch of entryBatches(key, body.stream)) {
      yield batch.filter(
        (e) =>
          comparePaths(e, bounds.from) >= 0 &&
          comparePaths(e, bounds.after) > 0 &&
          (bounds.to === undefined || comparePaths(e, bounds.to) < 0),
      )
    }
  }
}

async function* allBatches(
  store: ArtifactStore,
  key: string,
  ends: ManifestEnds,
  span: Span,
  signal?: AbortSignal,
): AsyncGenerator<Entry[], void> {
  const whole = { start: 0, end: ends.foot.index_offset + ends.foot.index_length }
  const body = await store.get(key, spanOptions(ends.etag, whole, signal))
  const hash = createHash('sha256')
  let count = 0
  for await (const batch of entryBatches(
    key,
    cutOut(body.stream, span, (chunk) => hash.update(chunk)),
  )) {
    count += batch.length
    yield batch
  }
  if (count !== ends.head.count)
    throw new DamagedManifest(key, `it has ${count} of ${ends.head.count} entries`)
  if (hash.digest('hex') !== ends.foot.sha256) {
    throw new DamagedManifest(key, 'its SHA-256 is not the one in its foot')
  }
}

async function* entryBatches(key: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Entry[], void> {
  try {
    for await (const lines of lineBatches(source)) yield lines.map((line) => decodeEntry(key, line))
  } catch (error) {
    throw error instanceof BrokenLines ? new DamagedManifest(key, error.message, { cause: error }) : error
  }
}

/** The span's bytes of a stream that it reads to its end. */
async function* cutOut(
  source: AsyncIterable<Uint8Array>,
  span: Span,
  seen: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void> {
  let offset = 0
  for await (const chunk of source) {
    seen(chunk)
    const part = chunk.subarray(Math.max(0, span.start - offset), Math.max(0, span.end - offset))
    offset += chunk.length
    if (part.length > 0) yield part
  }
}

async function readSpan(
  store: ArtifactStore,
  key: string,
  etag: string,
  span: Span,
  signal?: AbortSignal,
): Promise<Buffer> {
  if (span.start === span.end) return Buffer.alloc(0)
  const body = await store.get(key, spanOptions(etag, span, signal))
  return Buffer.concat(await body.stream.toArray(signal && { signal }))
}

function spanOptions(etag: string, span: Span, signal?: AbortSignal): GetOptions {
  const range = { offset: span.start, length: span.end - span.start, ifMatch: etag }
  return signal === undefined ? range : { ...range, signal }
}
