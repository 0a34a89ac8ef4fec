import { type Entry, pathFields } from './entry.ts'
import { flatten } from './lines.ts'
import type { ManifestHead } from './manifest.ts'
import { type ManifestEnds, readEnds } from './manifest-ends.ts'
import { decodeEntry } from './manifest-format.ts'
import { findEntry, ManifestIndex, type Span } from './manifest-index.ts'
import { behindPrefix, comparePaths } from './path-order.ts'
import { readWhole } from './read-whole.ts'
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
 * it was replaced or removed since) and with DamagedManifest: entries are given only once their digest was right.
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
  return manifestOver(store, key, ends, new ManifestIndex(key, ends.index, ends.foot, ends.head.count))
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
      return span === undefined ? undefined : findEntry(key, await linesIn(span, signal), path)
    },

    async page({ limit, ...range }) {
      const span = index.between(...boundsOf(range), limit + 1)
      const lines = await linesIn(span, range.signal)
      const entries = lines.map((line) => decodeEntry(key, line)).filter(within(range))
      return { entries: entries.slice(0, limit), more: entries.length > limit }
    },

    entries(range = {}) {
      return flatten(batchesIn(range))
    },
  }

  async function* batchesIn(range: EntryRange): AsyncGenerator<Entry[], void> {
    const { signal } = range
    for (const piece of index.pieces(index.between(...boundsOf(range)))) {
      const lines = await retry(() => linesIn(piece, signal), { attempts: 4, signal })
      yield lines.map((line) => decodeEntry(key, line)).filter(within(range))
    }
  }

  async function linesIn(span: Span, signal?: AbortSignal): Promise<string[]> {
    if (span.start === span.end) return []
    const bytes = await readSpan(store, key, etag, span, signal)
    index.check(span, bytes)
    return bytes.toString('utf8', 0, bytes.length - 1).split('\n')
  }
}

/** The first path that a range can have, and the first behind all that it has. */
function boundsOf({ prefix = nothing, after = nothing }: EntryRange): [Uint8Array, Uint8Array | undefined] {
  return [Buffer.compare(prefix, after) > 0 ? prefix : after, behindPrefix(prefix)]
}

function within({ prefix = nothing, after }: EntryRange): (entry: Entry) => boolean {
  const first = pathFields(prefix)
  const last = after && pathFields(after)
  const bound = behindPrefix(prefix)
  const end = bound && pathFields(bound)
  return (entry) =>
    comparePaths(entry, first) >= 0 &&
    (last === undefined || comparePaths(entry, last) > 0) &&
    (end === undefined || comparePaths(entry, end) < 0)
}

const nothing = Buffer.alloc(0)

async function readSpan(
  store: ArtifactStore,
  key: string,
  etag: string,
  span: Span,
  signal?: AbortSignal,
): Promise<Buffer> {
  const { bytes } = await readWhole(store, key, spanOptions(etag, span, signal))
  return bytes
}

function spanOptions(etag: string, span: Span, signal?: AbortSignal): GetOptions {
  const range = { offset: span.start, length: span.end - span.start, ifMatch: etag }
  return signal === undefined ? range : { ...range, signal }
}
