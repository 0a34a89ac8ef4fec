import { readWhole } from '../../store/read-whole.ts'
import { retry } from '../../store/retry.ts'
import type { ArtifactStore, GetOptions } from '../../store/store.ts'
import { flatten } from '../../util/lines.ts'
import { type Entry, pathFields } from '../entry.ts'
import { behindPrefix, comparePaths } from '../path-order.ts'
import { PathSequence } from '../path-sequence.ts'
import type { ManifestHead } from './manifest.ts'
import { type ManifestEnds, readEnds } from './manifest-ends.ts'
import { DamagedManifest, decodeEntry } from './manifest-format.ts'
import { findEntry, ManifestIndex, type Span } from './manifest-index.ts'

/** A range of entries; paths are bytes. */
export interface EntryRange {
  /** Only paths that begin with it. */
  prefix?: Uint8Array
  /** Only paths that follow this one. */
  after?: Uint8Array
  signal?: AbortSignal
}

/**
 * A manifest whose index is in memory. Every read rejects with StoreError (`precondition-failed` if
 * the manifest was replaced, `not-found` if it was removed) and with DamagedManifest: it returns
 * entries only after it has verified their digest, that their paths stay within the results, and
 * that they are sorted, each path once.
 */
export interface Manifest {
  readonly key: string
  readonly etag: string
  readonly head: ManifestHead
  /** Approximate bytes in memory. */
  readonly weight: number
  /** The path's entry, with one ranged read. */
  entry(path: Uint8Array, signal?: AbortSignal): Promise<Entry | undefined>
  /** As entry(), for several paths in turn; neighbours are found with one read. */
  lookup(signal?: AbortSignal): EntryLookup
  /** The first `limit` entries, with one ranged read; `more` is true if further entries follow. */
  page(range: EntryRange & { limit: number }): Promise<{ entries: Entry[]; more: boolean }>
  /**
   * All entries of the range, in separate reads of about 256 KiB: MinIO closes a connection from
   * which the reader takes nothing for 30 s.
   */
  entries(range?: EntryRange): AsyncIterable<Entry>
}

export type EntryLookup = (path: Uint8Array) => Promise<Entry | undefined>

/**
 * Opens a manifest with one to four requests; undefined if it does not exist. Rejects as its reads
 * do.
 */
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
 * The head of a complete manifest; undefined, after one request, if it does not exist. Rejects with
 * DamagedManifest and StoreError.
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

    entry: (path, signal) => lookup(signal)(path),

    lookup,

    async page({ limit, ...range }) {
      const span = index.between(...boundsOf(range), limit + 1)
      const lines = await linesIn(span, range.signal)
      const entries = entriesOf(lines, new PathSequence()).filter(within(range))
      return { entries: entries.slice(0, limit), more: entries.length > limit }
    },

    entries(range = {}) {
      return flatten(batchesIn(range))
    },
  }

  function lookup(signal?: AbortSignal): EntryLookup {
    let last: { start: number; lines: readonly string[] } | undefined
    return async (path) => {
      const span = index.around(path)
      if (span === undefined) return undefined
      if (last?.start !== span.start) last = { start: span.start, lines: await linesIn(span, signal) }
      return findEntry(key, last.lines, path)
    }
  }

  async function* batchesIn(range: EntryRange): AsyncGenerator<Entry[], void> {
    const { signal } = range
    const sequence = new PathSequence()
    for (const piece of index.pieces(index.between(...boundsOf(range)))) {
      const lines = await retry(() => linesIn(piece, signal), { attempts: 4, signal })
      yield entriesOf(lines, sequence).filter(within(range))
    }
  }

  function entriesOf(lines: readonly string[], sequence: PathSequence): Entry[] {
    return lines.map((line) => {
      const entry = decodeEntry(key, line)
      if (sequence.next(entry).isAscending) return entry
      const path = JSON.stringify(entry.path ?? entry.path_base64)
      throw new DamagedManifest(key, `the path ${path} comes twice or out of order`)
    })
  }

  async function linesIn(span: Span, signal?: AbortSignal): Promise<string[]> {
    if (span.start === span.end) return []
    const bytes = await readSpan(store, key, etag, span, signal)
    index.check(span, bytes)
    return bytes.toString('utf8', 0, bytes.length - 1).split('\n')
  }
}

/** Inclusive lower and exclusive upper bound of a range's paths. */
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
