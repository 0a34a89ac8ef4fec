import { createHash } from 'node:crypto'
import { type Entry, pathFields } from './entry.ts'
import { BrokenLines, flatten, lineBatches } from './lines.ts'
import type { ManifestHead } from './manifest.ts'
import { type ManifestEnds, readEnds } from './manifest-ends.ts'
import { DamagedManifest, decodeEntry } from './manifest-format.ts'
import { findEntry, ManifestIndex, type Span } from './manifest-index.ts'
import { behindPrefix, comparePaths } from './path-order.ts'
import { retry } from './retry.ts'
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
  /**
   * Reads of about 256 KiB, one after the other: MinIO closes a connection that its reader leaves alone for 30 s.
   * Without a range it ends well only if the manifest's digest and count were right.
   */
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
      const span = index.between(...boundsOf(range), limit + 1)
      if (span.start === span.end) return { entries: [], more: false }
      const { stream } = await store.get(key, spanOptions(etag, span, range.signal))
      const entries: Entry[] = []
      for await (const batch of entryBatches(key, stream)) {
        entries.push(...batch.filter(within(range)))
        if (entries.length > limit) break
      }
      return { entries: entries.slice(0, limit), more: entries.length > limit }
    },

    entries(range = {}) {
      const whole = range.prefix === undefined && range.after === undefined
      return flatten(whole ? allBatches(range.signal) : batchesIn(range))
    },
  }

  async function* batchesIn(range: EntryRange): AsyncGenerator<Entry[], void> {
    const source = inPieces(index.between(...boundsOf(range)), range.signal)
    for await (const batch of entryBatches(key, source)) yield batch.filter(within(range))
  }

  async function* allBatches(signal?: AbortSignal): AsyncGenerator<Entry[], void> {
    const whole = { start: 0, end: ends.foot.index_offset + ends.foot.index_length }
    const hash = createHash('sha256')
    const source = cutOut(inPieces(whole, signal), index.all(), (chunk) => hash.update(chunk))
    let count = 0
    for await (const batch of entryBatches(key, source)) {
      count += batch.length
      yield batch
    }
    if (count !== head.count) throw new DamagedManifest(key, `it has ${count} of ${head.count} entries`)
    if (hash.digest('hex') !== ends.foot.sha256) {
      throw new DamagedManifest(key, 'its SHA-256 is not the one in its foot')
    }
  }

  async function* inPieces(span: Span, signal?: AbortSignal): AsyncGenerator<Buffer, void> {
    for (const piece of index.pieces(span)) {
      yield await retry(() => readSpan(store, key, etag, piece, signal), { attempts: 4, signal })
    }
  }
}

/** The first path that a range can have, and the first behind all that it has. */
function boundsOf({ prefix = nothing, after = nothing }: EntryRange): [Uint8Array, Uint8Array | undefined] {
  return [Buffer.compare(prefix, after) > 0 ? prefix : after, behindPrefix(prefix)]
}

function within({ prefix = nothing, after = nothing }: EntryRange): (entry: Entry) => boolean {
  const [first, last] = [pathFields(prefix), pathFields(after)]
  const bound = behindPrefix(prefix)
  const end = bound && pathFields(bound)
  return (entry) =>
    comparePaths(entry, first) >= 0 &&
    comparePaths(entry, last) > 0 &&
    (end === undefined || comparePaths(entry, end) < 0)
}

const nothing = Buffer.alloc(0)

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
