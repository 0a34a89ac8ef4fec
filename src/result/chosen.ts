import { type Entry, pathBytes } from '../artifact/entry.ts'
import type { EntryRange } from '../artifact/manifest-reader.ts'
import { Problem } from '../errors.ts'
import type { LocatedResult } from './locate.ts'
import type { OpenedResult } from './opened.ts'
import { readable, shown } from './readable-file.ts'

/** Lookups of named paths that run at once. */
const lookupsAtOnce = 8

/**
 * The entries that the paths name, in their bytes' order, each directory with all below it, each entry once. All
 * of them are looked up before it resolves. Rejects with Problem: `not-found` that names every path that isn't
 * there, `not-a-readable-file` for a file that was not stored.
 */
export async function chosenEntries(
  { located, manifest }: OpenedResult,
  paths: readonly Buffer[],
  entriesOf: (range: EntryRange) => AsyncIterable<Entry>,
  signal?: AbortSignal,
): Promise<AsyncIterable<Entry>> {
  const wanted = sortedOnce(paths)
  const found: Entry[] = []
  const missing: Buffer[] = []
  for (let start = 0; start < wanted.length; start += lookupsAtOnce) {
    const some = wanted.slice(start, start + lookupsAtOnce)
    const entries = await Promise.all(some.map((path) => manifest.entry(path, signal)))
    for (const [at, entry] of entries.entries()) {
      if (entry !== undefined) found.push(entry)
      else missing.push(some[at] ?? Buffer.alloc(0))
    }
  }
  if (missing.length > 0) throw notAmong(located, missing)
  for (const entry of found) if (entry.type === 'file' || entry.type === 'skipped') readable(entry)
  return withContents(outermost(found), entriesOf)
}

/** That the results don't have the paths; of a job that hasn't ended yet they may have them later. */
export function notAmong({ job, state }: LocatedResult, paths: readonly Uint8Array[]): Problem {
  const soFar = state === 'provisional' ? ' so far' : ''
  const expected = `a path of the result list${soFar && ', which grows until the job has ended'}`
  const errors = paths.map((path) => {
    return { field: 'file', problem: `${shown(path)} is not among the results${soFar}`, expected }
  })
  const problems = errors.map(({ problem }) => problem).join('; ')
  return new Problem('not-found', `Job ${job.job_uuid}: ${problems}`, { errors })
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

/** Without those that come with a directory among them. */
function outermost(entries: readonly Entry[]): Entry[] {
  const name = (entry: Entry) => pathBytes(entry).toString('latin1')
  const directories = new Set(entries.filter(({ type }) => type === 'directory').map(name))
  const isInside = (path: string): boolean => {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      if (directories.has(path.slice(0, slash))) return true
    }
    return false
  }
  return entries.filter((entry) => !isInside(name(entry)))
}
