import { isRelativePath } from '../../src/job/request/syntax.ts'
import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { DamagedManifest } from '../../src/result-format/manifest/manifest-format.ts'
import { type Manifest, openManifest } from '../../src/result-format/manifest/manifest-reader.ts'
import { type StoredFile, storedFileOf } from '../../src/result-format/stored-form.ts'
import { isNotFound, isPreconditionFailed } from '../../src/store/store.ts'
import { defined } from '../../src/util/objects.ts'
import type { FolderItem, FolderSource } from './fetch-folder.ts'
import { InputError } from './input-error.ts'
import { StoredDownload, type StoredResult } from './stored-download.ts'

const pageEntries = 1000

/** What lies below a folder of another job's result; `prefix` is empty or ends in a slash. */
export function jobFolder(result: StoredResult, prefix: string): FolderSource<Buffer> {
  let manifest: Manifest | undefined
  return {
    page: (after, signal) =>
      readResult(async () => {
        manifest ??= await openResult(result, signal)
        const range = { prefix: Buffer.from(prefix), limit: pageEntries, signal, ...defined({ after }) }
        const { entries, more } = await manifest.page(range)
        const last = entries.at(-1)
        const next = more && last !== undefined ? pathBytes(last) : undefined
        const items = entries.flatMap((entry) => itemOf(result, prefix, entry) ?? [])
        return { items, ...defined({ next }) }
      }),
  }
}

/** A file of another job's result. Rejects with StoreError, and with InputError if there is none. */
export async function storedFileAt(
  result: StoredResult,
  path: string,
  signal: AbortSignal,
): Promise<StoredFile & { size: number }> {
  return await readResult(async () => {
    const manifest = await openResult(result, signal)
    const entry = await manifest.entry(Buffer.from(path), signal)
    if (entry?.type !== 'file') throw new InputError('InputUnavailable', 'the result has no such file')
    return storedOf(entry, path)
  })
}

/** Rejects as readResult(). */
export async function openResult(
  { store, uuid, attempt }: StoredResult,
  signal: AbortSignal,
): Promise<Manifest> {
  const manifest = await openManifest(store, jobKeys.manifest(uuid, attempt), { signal })
  if (manifest === undefined) throw gone()
  return manifest
}

/** Undefined for what has no content. */
function itemOf(result: StoredResult, prefix: string, entry: Entry): FolderItem | undefined {
  const { path: whole = '', mode = '', mtime } = entry
  if (entry.path === undefined) {
    const shown = JSON.stringify(pathBytes(entry).toString('latin1'))
    throw new InputError('InputInvalid', `the name ${shown} is not UTF-8`)
  }
  const path = whole.slice(prefix.length)
  if (!isRelativePath(path)) {
    throw new InputError('InputInvalid', `${JSON.stringify(whole)} can't be a file's path`)
  }
  if (entry.type === 'skipped') return undefined
  if (entry.type === 'directory') return { type: 'directory', path }
  if (entry.type === 'symlink') return { type: 'symlink', path, target: entry.target ?? '' }
  const stored = storedOf(entry, whole)
  return {
    ...{ type: 'file', path, size: stored.size },
    isProgram: (Number.parseInt(mode, 8) & 0o111) !== 0,
    ...(mtime !== undefined && { mtime: new Date(mtime) }),
    download: (file) => new StoredDownload(result, stored, file),
  }
}

/** Where a file's bytes are. Throws InputError if they are not in the store. */
export function storedOf(entry: Entry, path: string): StoredFile & { size: number } {
  const stored = storedFileOf(entry)
  if (stored !== undefined && entry.size !== undefined) return { ...stored, size: entry.size }
  const message = `${JSON.stringify(path)} was not stored: ${entry.error ?? 'its bytes are missing'}`
  throw new InputError('InputUnavailable', message)
}

/** `work` reads a manifest: what can't be read any more rejects with InputError. */
export async function readResult<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isNotFound(error) || isPreconditionFailed(error)) throw gone(error)
    if (error instanceof DamagedManifest) {
      throw new InputError('InputInvalid', `its manifest is damaged: ${error.message}`, { cause: error })
    }
    throw error
  }
}

function gone(cause?: unknown): InputError {
  return new InputError('InputUnavailable', 'the result is gone', { cause })
}
