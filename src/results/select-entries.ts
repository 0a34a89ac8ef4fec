import { type Entry, pathBytes } from '../result-format/entry.ts'
import type { EntryLookup, EntryRange } from '../result-format/manifest/manifest-reader.ts'
import { quotedBytes } from '../result-format/shown-path.ts'
import { Problem } from '../util/errors.ts'
import type { LocatedResult } from './locate.ts'
import type { OpenResult } from './open-result.ts'
import { followLinks } from './serve/follow-links.ts'
import { readable } from './serve/readable-file.ts'

/** Maximum of lookups of named paths at once. */
const lookupsAtOnce = 8

/**
 * The entries of the named paths, each directory with all entries below it, each entry once, in the
 * order of the paths' bytes; each call of the function reads them anew. A path through a linked
 * folder selects the links that it leads through and the entry at its end, so that it opens after
 * the unpacking, too; a path that names a link selects the link. Resolves after all paths were
 * looked up. Rejects with Problem: `not-found`, which names every missing path, or
 * `not-a-readable-file` for a file that was not stored.
 */
export async function selectEntries(
  { located, manifest }: OpenResult,
  paths: readonly Buffer[],
  entriesOf: (range: EntryRange) => AsyncIterable<Entry>,
  signal?: AbortSignal,
): Promise<() => AsyncIterable<Entry>> {
  const wanted = sortedOnce(paths)
  const found: Entry[] = []
  const missing: Buffer[] = []
  for (let start = 0; start < wanted.length; start += lookupsAtOnce) {
    const some = wanted.slice(start, start + lookupsAtOnce)
    const entries = await Promise.all(some.map((path) => entriesAt(manifest.lookup(signal), path)))
    for (const [at, selected] of entries.entries()) {
      if (selected.length > 0) found.push(...selected)
      else missing.push(some[at] ?? Buffer.alloc(0))
    }
  }
  if (missing.length > 0) throw notAmong(located, missing)
  for (const entry of found) if (entry.type === 'file' || entry.type === 'skipped') readable(entry)
  const selected = outermost(eachOnce(found))
  return () => withContents(selected, entriesOf)
}

/**
 * Problem `not-found`: the results don't contain the paths, or not yet if the job has not ended.
 */
export function notAmong({ job, state }: LocatedResult, paths: readonly Uint8Array[]): Problem {
  const soFar = state === 'provisional' ? ' so far' : ''
  const expected = `a path of the result list${soFar && ', which grows until the job has ended'}`
  const errors = paths.map((path) => {
    return { field: 'file', problem: `${quotedBytes(path)} is not among the results${soFar}`, expected }
  })
  const problems = errors.map(({ problem }) => problem).join('; ')
  return new Problem('not-found', `Job ${job.job_uuid}: ${problems}`, { errors })
}

/** None if nothing is at the path. */
async function entriesAt(lookup: EntryLookup, path: Buffer): Promise<Entry[]> {
  const entry = await lookup(path)
  if (entry !== undefined) return [entry]
  const followed = await followLinks(lookup, path)
  return followed === undefined ? [] : [...followed.links, followed.entry]
}

/** In the order of the paths' bytes. */
function eachOnce(entries: readonly Entry[]): Entry[] {
  const byPath = new Map(entries.map((entry) => [nameOf(entry), entry]))
  return Array.from(byPath.values()).toSorted((a, b) => Buffer.compare(pathBytes(a), pathBytes(b)))
}

/** A character stands for a byte. */
function nameOf(entry: Entry): string {
  return pathBytes(entry).toString('latin1')
}

async function* withContents(
  entries: readonly Entry[],
  entriesOf: (range: EntryRange) => AsyncIterable<Entry>,
): AsyncGenerator<Entry, void> {
  for (const entry of entries) {
    yield entry
    if (entry.type === 'directory') {
      yield* entriesOf({ prefix: Buffer.concat([pathBytes(entry), Buffer.from('/')]) })
    }
  }
}

function sortedOnce(paths: readonly Buffer[]): Buffer[] {
  const names = new Set(paths.map((path) => path.toString('latin1')))
  return Array.from(names, (name) => Buffer.from(name, 'latin1')).toSorted(Buffer.compare)
}

/** Without the entries that lie below a directory among them. */
function outermost(entries: readonly Entry[]): Entry[] {
  const directories = new Set(entries.filter(({ type }) => type === 'directory').map(nameOf))
  const isInside = (path: string): boolean => {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      if (directories.has(path.slice(0, slash))) return true
    }
    return false
  }
  return entries.filter((entry) => !isInside(nameOf(entry)))
}
