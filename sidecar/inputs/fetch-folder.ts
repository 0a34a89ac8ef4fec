import { createHash } from 'node:crypto'
import { chmod, type FileHandle, mkdir, open, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { TakenInput } from '../../src/result-format/manifest/manifest.ts'
import type { Patience } from '../repeat-until.ts'
import { fetchUntilWhole } from './fetch-until-whole.ts'
import type { Download } from './http-download.ts'
import { InputError } from './input-error.ts'
import { makeWholeFolder } from './make-folders.ts'
import { severalAtOnce } from './several-at-once.ts'
import { isStayingLink, RefusedEntry } from './unpack/archive-paths.ts'
import { isBadName, makeParents } from './unpack/place-entry.ts'
import type { UnpackLimits } from './unpack/unpack-limits.ts'

/** A folder elsewhere, read page by page in the order of the paths' bytes. */
export interface FolderSource<Cursor> {
  /** `after`: the `next` of the page before; absent in the last page. */
  page(after: Cursor | undefined, signal: AbortSignal): Promise<{ items: FolderItem[]; next?: Cursor }>
}

/** A path below the folder: relative and checked. */
export type FolderItem =
  | FolderFile
  | { type: 'directory'; path: string }
  | { type: 'symlink'; path: string; target: string }

export interface FolderFile {
  type: 'file'
  path: string
  size: number
  isProgram?: boolean
  mtime?: Date
  download(file: FileHandle): Download
}

export interface FolderPlace {
  /** The source, for messages. */
  name: string
  /** The folder to be made, relative to `directory`. */
  path: string
  directory: string
  /** Where it is until it is complete. */
  temporary: string
  limits: UnpackLimits
}

const filesAtOnce = 4

/**
 * Fetches a folder, which appears whole. Its SHA-256 is that of the lines that sha256sum writes of
 * its files, in the order of their paths' bytes. Rejects as fetchUntilWhole() does.
 */
export async function fetchFolder<Cursor>(
  source: FolderSource<Cursor>,
  place: FolderPlace,
  patience: Patience,
): Promise<TakenInput> {
  const { name, path, directory, temporary } = place
  const fill = () => fillFolder(source, place, patience)
  const filled = await makeWholeFolder(join(directory, path), temporary, fill)
  return { source: name, to: path, ...filled }
}

async function fillFolder<Cursor>(
  source: FolderSource<Cursor>,
  { name, temporary, limits }: FolderPlace,
  patience: Patience,
): Promise<Pick<TakenInput, 'size' | 'sha256' | 'files'>> {
  const digest = createHash('sha256')
  let [files, size, entries] = [0, 0, 0]
  let after: Cursor | undefined
  do {
    const read = (signal: AbortSignal) => source.page(after, signal)
    const page = await fetchUntilWhole(name, read, () => 0, patience)
    const found = page.items.filter((item) => item.type === 'file')
    files += found.length
    entries += page.items.length
    size += found.reduce((sum, file) => sum + file.size, 0)
    refuseBeyond(name, { entries, size }, limits)
    const digests = await severalAtOnce(found, filesAtOnce, patience, (file, running) =>
      fetchFile(name, file, temporary, running),
    )
    for (const [index, file] of found.entries()) digest.update(`${digests[index]}  ${file.path}\n`)
    // Links come last: no file of this page is written through one.
    for (const item of page.items) if (item.type !== 'file') await makeOther(name, item, temporary)
    after = page.next
  } while (after !== undefined)
  if (entries === 0) throw new InputError('InputUnavailable', `${name}: nothing is below it`)
  return { size, sha256: digest.digest('hex'), files }
}

/** Resolves with its hex SHA-256. */
async function fetchFile(
  name: string,
  file: FolderFile,
  folder: string,
  patience: Patience,
): Promise<string> {
  const { path, isProgram, mtime } = file
  return await withNamedPath(name, path, async () => {
    await makeParents(folder, path)
    await using handle = await open(join(folder, path), 'wx', 0o644)
    const download = file.download(handle)
    const attempt = (signal: AbortSignal) => download.attempt(signal)
    await fetchUntilWhole(`${name}: ${path}`, attempt, () => download.bytes, patience)
    // The worker may run as any user, whatever the umask is.
    await handle.chmod(isProgram ? 0o755 : 0o644)
    if (mtime !== undefined) await handle.utimes(mtime, mtime)
    return download.digest()
  })
}

async function makeOther(name: string, item: Exclude<FolderItem, FolderFile>, folder: string): Promise<void> {
  const { path } = item
  const at = join(folder, path)
  await withNamedPath(name, path, async () => {
    await makeParents(folder, path)
    if (item.type === 'directory') {
      await mkdir(at, { recursive: true })
      return await chmod(at, 0o755)
    }
    if (isStayingLink(path, item.target)) return await symlink(item.target, at)
    const message = `${name}: the link ${JSON.stringify(path)} leads out of the folder`
    throw new InputError('InputInvalid', message)
  })
}

async function withNamedPath<T>(name: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isBadName(error) && !(error instanceof RefusedEntry)) throw error
    const message = `${name}: ${JSON.stringify(path)} is a file and a folder, or its name is too long`
    throw new InputError('InputInvalid', message, { cause: error })
  }
}

function refuseBeyond(
  name: string,
  found: { entries: number; size: number },
  { entries, bytes }: UnpackLimits,
): void {
  const limit =
    found.entries > entries ? `${entries} files` : found.size > bytes ? `${bytes} bytes` : undefined
  if (limit !== undefined) throw new InputError('InputInvalid', `${name}: more than ${limit} are below it`)
}
