import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from './error-code.ts'
import { temporaryFolder } from './folder-files.ts'
import type { ListedObject, ListOptions } from './store.ts'

/**
 * The objects below `root` whose key begins with `prefix`, in the order of their keys' bytes. In memory are the
 * names of one folder for each level. What vanishes meanwhile is left out.
 */
export async function* listFolder(
  root: string,
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
async function* listKeys(root: string, folder: string, wanted: Wanted): AsyncGenerator<ListedObject> {
  wanted.signal?.throwIfAborted()
  for (const { key, isFolder, bytes } of await namesOf(root, folder)) {
    if (!startsWith(bytes, wanted.prefix)) continue
    if (Buffer.compare(bytes, wanted.after) <= 0 && !(isFolder && startsWith(wanted.after, bytes))) continue
    if (isFolder) {
      yield* listKeys(root, key, wanted)
      continue
    }
    wanted.signal?.throwIfAborted()
    const size = await sizeOf(join(root, key))
    if (size !== undefined) yield { key, size }
  }
}

interface Name {
  /** A folder's ends in '/': that is its place among the keys. */
  key: string
  bytes: Buffer
  isFolder: boolean
}

async function namesOf(root: string, folder: string): Promise<Name[]> {
  const names: Name[] = []
  for (const entry of await readFolder(join(root, folder))) {
    const isFolder = entry.isDirectory()
    if (!isFolder && !entry.isFile()) continue
    if (folder === '' && entry.name === temporaryFolder) continue
    const key = folder + entry.name + (isFolder ? '/' : '')
    names.push({ key, bytes: Buffer.from(key), isFolder })
  }
  return names.sort((a, b) => Buffer.compare(a.bytes, b.bytes))
}

async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}
