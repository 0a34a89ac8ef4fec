import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../util/error-code.ts'
import type { ListedObject, ListOptions } from '../store.ts'
import { temporaryFolder } from './folder-files.ts'
import { confirmAbsence, type FolderRoot, isUndefined, markerFile } from './folder-root.ts'

/**
 * The objects below `root` whose key begins with `prefix`, in the order of their keys' bytes. It
 * holds the names of one folder a level in memory, and omits objects that are removed meanwhile.
 */
export async function* listFolder(
  root: FolderRoot,
  prefix: string,
  { after = '', signal }: ListOptions,
): AsyncGenerator<ListedObject> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder.startsWith(`${temporaryFolder}/`)) return
  yield* listKeys(root, folder, { prefix: Buffer.from(prefix), after: Buffer.from(after), signal })
}

interface Wanted {
  prefix: Buffer
  after: Buffer
  signal: AbortSignal | undefined
}

/** `folder` is '' or ends in '/'. */
async function* listKeys(root: FolderRoot, folder: string, wanted: Wanted): AsyncGenerator<ListedObject> {
  wanted.signal?.throwIfAborted()
  for (const { key, isFolder, bytes } of await namesOf(root, folder)) {
    if (!startsWith(bytes, wanted.prefix)) continue
    if (Buffer.compare(bytes, wanted.after) <= 0 && !(isFolder && startsWith(wanted.after, bytes))) continue
    if (isFolder) {
      yield* listKeys(root, key, wanted)
      continue
    }
    wanted.signal?.throwIfAborted()
    const size = await sizeOf(root, join(root.path, key))
    if (size !== undefined) yield { key, size }
  }
}

interface Name {
  /** The key of a folder ends in '/', as its place in the order of the keys requires. */
  key: string
  bytes: Buffer
  isFolder: boolean
}

async function namesOf(root: FolderRoot, folder: string): Promise<Name[]> {
  const names: Name[] = []
  for (const entry of await readFolder(root, join(root.path, folder))) {
    const isFolder = entry.isDirectory()
    if (!isFolder && !entry.isFile()) continue
    if (folder === '' && [temporaryFolder, markerFile].includes(entry.name)) continue
    const key = folder + entry.name + (isFolder ? '/' : '')
    names.push({ key, bytes: Buffer.from(key), isFolder })
  }
  return names.sort((a, b) => Buffer.compare(a.bytes, b.bytes))
}

async function readFolder(root: FolderRoot, path: string): Promise<Dirent[]> {
  // The folder of an unmounted disk is there, and empty.
  if (path === join(root.path, '')) await root.check()
  const read = () => readdir(path, { withFileTypes: true }).catch(absent)
  return (await confirmAbsence(root, path, read, isUndefined)) ?? []
}

async function sizeOf(root: FolderRoot, path: string): Promise<number | undefined> {
  return (await confirmAbsence(root, path, () => lstat(path).catch(absent), isUndefined))?.size
}

function absent(error: unknown): undefined {
  const code = codeOf(error)
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}
