import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import type { Manifest } from '../../src/result-format/manifest/manifest-reader.ts'
import { defined } from '../../src/util/objects.ts'
import { fetchUntilWhole } from '../inputs/fetch-until-whole.ts'
import { InputError } from '../inputs/input-error.ts'
import { openResult, readResult, storedOf } from '../inputs/job-source.ts'
import { severalAtOnce } from '../inputs/several-at-once.ts'
import { StoredDownload, type StoredResult } from '../inputs/stored-download.ts'
import { isBadName } from '../inputs/unpack/place-entry.ts'
import type { Patience } from '../repeat-until.ts'
import { isRestored, makeFolder, markFolder, placeFile, placeLink } from './place-restored.ts'

const pageEntries = 1000
const filesAtOnce = 8

/**
 * Puts all of a job's result into a directory in which nothing else runs or writes: files, checked
 * by their SHA-256, folders and links. Sockets, FIFOs and devices have no content and are left out.
 * May be called again after a kill: whole files stay. Rejects with InputError, and with errors of the file
 * system.
 */
export async function restoreResult(
  result: StoredResult,
  directory: string,
  patience: Patience,
): Promise<void> {
  const name = `the result of job ${result.uuid}`
  const manifest = await fetchUntilWhole(
    name,
    (signal) => readResult(() => openResult(result, signal)),
    () => 0,
    patience,
  )
  const root = Buffer.from(directory)
  for await (const entries of pagesOf(name, manifest, patience)) {
    for (const entry of entries.filter(isOf('directory')))
      await named(name, entry, () => makeFolder(root, entry))
    await severalAtOnce(entries.filter(isOf('file')), filesAtOnce, patience, (entry, running) =>
      named(name, entry, () => restoreFile(name, entry, result, root, running)),
    )
    // Behind the files: none of this page is written through a link.
    for (const entry of entries.filter(isOf('symlink')))
      await named(name, entry, () => placeLink(root, entry))
  }
  // Their contents have changed the folders' times.
  for await (const entries of pagesOf(name, manifest, patience)) {
    for (const entry of entries.filter(isOf('directory'))) await markFolder(root, entry)
  }
}

function isOf(type: Entry['type']): (entry: Entry) => boolean {
  return (entry) => entry.type === type
}

async function* pagesOf(name: string, manifest: Manifest, patience: Patience): AsyncGenerator<Entry[]> {
  let after: Buffer | undefined
  do {
    const read = (signal: AbortSignal) =>
      readResult(() => manifest.page({ limit: pageEntries, signal, ...defined({ after }) }))
    const { entries, more } = await fetchUntilWhole(name, read, () => 0, patience)
    yield entries
    const last = entries.at(-1)
    after = more && last !== undefined ? pathBytes(last) : undefined
  } while (after !== undefined)
}

async function restoreFile(
  name: string,
  entry: Entry,
  result: StoredResult,
  root: Buffer,
  patience: Patience,
): Promise<string> {
  if (await isRestored(root, entry)) return ''
  const path = pathBytes(entry).toString()
  const stored = storedOf(entry, path)
  await placeFile(root, entry, async (handle) => {
    const download = new StoredDownload(result, stored, handle)
    const attempt = (signal: AbortSignal) => download.attempt(signal)
    await fetchUntilWhole(`${name}: ${path}`, attempt, () => download.bytes, patience)
  })
  return ''
}

async function named<T>(name: string, entry: Entry, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isBadName(error)) throw error
    const path = JSON.stringify(pathBytes(entry).toString())
    throw new InputError(
      'InputInvalid',
      `${name}: ${path} lies below a file or link, or its name is too long`,
      {
        cause: error,
      },
    )
  }
}
