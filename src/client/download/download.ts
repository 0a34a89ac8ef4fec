import { lstat, rm, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { JobferryError } from '../errors.ts'
import type { Transport } from '../http/transport.ts'
import { readEntries } from '../results/entries.ts'
import { entryPathBytes } from '../results/entry-path.ts'
import type { Entry } from '../types.ts'
import { finishFolder } from './finish-folder.ts'
import { LocalNames } from './names/local-names.ts'
import type { Downloaded, DownloadOptions } from './options.ts'
import { type Kinds, planTasks } from './plan-tasks.ts'
import { checkOwner, type PlacedEntry, writeList } from './result-list.ts'
import { runTasks } from './run-tasks.ts'
import { TargetFolder } from './target-folder.ts'
import type { Fetching } from './wanted-file.ts'

const defaultParallel = 8

/** As Jobferry.download(). */
export async function download(
  transport: Transport,
  id: string,
  directory: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const { parallel = defaultParallel, paths, soFar, onProgress, signal } = options
  const folder = new TargetFolder(directory)
  const done: Downloaded = { directory, files: 0, bytes: 0, kept: 0, renamed: [], absent: [] }
  const totals = { totalFiles: 0, totalBytes: 0 }
  const listed = placed(entriesOf(transport, id, options), folder, done, totals)
  // The first answer says whether there is a result, before a folder is made.
  const first = await listed.next()
  await folder.create()
  const head = { server: transport.server, job_uuid: id }
  const hasList = await checkOwner(folder, head)
  await writeList(folder, head, from(first, listed), hasList && paths !== undefined)

  const abort = new AbortController()
  const stop = () => abort.abort(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  const report = () => onProgress?.({ files: done.files, bytes: done.bytes, ...totals })
  const received = (bytes: number) => {
    done.bytes += bytes
    report()
  }
  const fetching: Fetching = {
    transport,
    id,
    folder,
    soFar,
    signal: abort.signal,
    parts: new Set(),
    received,
  }
  const kinds: Kinds = { folders: [], links: [] }
  try {
    signal?.throwIfAborted()
    await runTasks(planTasks(fetching, kinds, done, report), parallel, abort)
  } finally {
    signal?.removeEventListener('abort', stop)
    for (const part of fetching.parts) await part.close()
  }
  await finishFolder(folder, kinds, done)
  return done
}

/** The entries that are asked for; rejects if one of the paths is not in the result. */
async function* entriesOf(
  transport: Transport,
  id: string,
  { paths, soFar, signal }: DownloadOptions,
): AsyncGenerator<Entry> {
  if (paths === undefined) return yield* readEntries(transport, id, { soFar, signal })
  for (const given of paths) {
    const path = given.replace(/\/+$/, '')
    let found = false
    for await (const entry of readEntries(transport, id, { prefix: path, soFar, signal })) {
      const name = entryPathBytes(entry)
      const isBelow = name.subarray(0, path.length + 1).toString() === `${path}/`
      if (name.toString() !== path && !isBelow) continue
      found = true
      yield entry
    }
    if (!found)
      throw new JobferryError('not-found', `the result of job ${id} has no ${JSON.stringify(given)}`)
  }
}

async function* placed(
  entries: AsyncIterable<Entry>,
  folder: TargetFolder,
  done: Downloaded,
  totals: { totalFiles: number; totalBytes: number },
): AsyncGenerator<PlacedEntry> {
  let names: LocalNames | undefined
  for await (const entry of entries) {
    names ??= new LocalNames({ windows: process.platform === 'win32', caseless: await isCaseless(folder) })
    const path = entryPathBytes(entry)
    const { place, renamed } = names.place(path)
    if (renamed) done.renamed.push({ path: path.toString(), as: place.toString() })
    if (entry.type === 'file') {
      totals.totalFiles += 1
      totals.totalBytes += entry.size ?? 0
    }
    yield renamed ? { ...entry, as_base64: place.toString('base64') } : entry
  }
}

/** Whether the disk takes two spellings for one name: those of macOS and Windows do. */
async function isCaseless(folder: TargetFolder): Promise<boolean> {
  await folder.create()
  await writeFile(folder.own('case'), '')
  const other = await lstat(folder.own('CASE')).catch(() => undefined)
  await rm(folder.own('case'))
  return other !== undefined
}

async function* from(
  first: IteratorResult<PlacedEntry, unknown>,
  rest: AsyncIterable<PlacedEntry>,
): AsyncGenerator<PlacedEntry> {
  if (first.done) return
  yield first.value
  yield* rest
}
