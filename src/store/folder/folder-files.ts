import type { BigIntStats } from 'node:fs'
import { chmod, type FileHandle, link, lstat, open, rename, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../util/error-code.ts'
import { type ObjectHead, StoreError, type WriteOptions } from '../store.ts'
import { type FolderRoot, folderMode } from './folder-root.ts'

/** Folder for unfinished files, on the objects' own file system so that a rename is atomic. */
export const temporaryFolder = '.tmp'

/**
 * The ETag is the size and the modification time in nanoseconds. publish() sets that time, so that
 * two objects of one key differ. The inode is no part of it: a folder that was moved or restored
 * with its times keeps its ETags.
 */
export function headOf(stats: BigIntStats): ObjectHead {
  return {
    size: Number(stats.size),
    etag: `${stats.size.toString(16)}-${stats.mtimeNs.toString(16)}`,
    modified: stats.mtime,
  }
}

/**
 * Makes the written file `temporary` the object at `target`, durably: the file, its rename and
 * every new folder are on disk when it resolves.
 */
export async function publish(
  root: FolderRoot,
  temporary: FileHandle,
  path: string,
  target: string,
  { ifAbsent = false, ifMatch }: WriteOptions = {},
): Promise<ObjectHead> {
  // The kernel's file times advance every few milliseconds: two quick writes would get the same.
  const now = (Date.now() + (performance.now() % 1)) / 1000
  await temporary.utimes(now, now)
  await temporary.sync()
  const head = headOf(await temporary.stat({ bigint: true }))
  if (ifMatch !== undefined) await checkEtag(target, ifMatch)
  const newestFolder = await moveInto(root, path, target, ifAbsent)
  // Sync after the rename: the folders are no longer empty then, so no other process prunes them.
  await syncFolders(root.path, dirname(target), newestFolder)
  return head
}

const fileMode = 0o600

/** Closes a folder of an earlier version to other users, if it is this user's. */
export async function closeFolder(path: string): Promise<void> {
  await chmod(path, folderMode).catch((error: unknown) => {
    if (codeOf(error) !== 'EPERM') throw error
  })
}

/** Opens a new file in the temporary folder, which it creates if the uploader is the first user. */
export async function openTemporary(root: FolderRoot, name: string): Promise<FileHandle> {
  const path = join(root.path, temporaryFolder, name)
  try {
    return await open(path, 'wx', fileMode)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await root.makeFolder(dirname(path))
    return open(path, 'wx', fileMode)
  }
}

/** Writes all bytes from `position` on; a single write() may write fewer. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done)
    done += bytesWritten
  }
}

/** Removes `folder` and its parents below `root`, up to the first one that is not empty. */
export async function pruneEmpty(root: string, folder: string): Promise<void> {
  for (let current = folder; current !== root && current.startsWith(root); current = dirname(current)) {
    try {
      await rmdir(current)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return
      if (code !== 'ENOENT') throw error
    }
  }
}

/** Moves the file; resolves with the topmost folder that it created for it. */
async function moveInto(
  root: FolderRoot,
  path: string,
  target: string,
  ifAbsent: boolean,
): Promise<string | undefined> {
  let made: string | undefined
  for (let attempt = 1; ; attempt++) {
    try {
      if (ifAbsent) await moveIfAbsent(path, target)
      else await rename(path, target)
      return made
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || attempt === 100) throw error
    }
    // Another process may prune the new folder before the move; the next attempt creates it again.
    const topmost = await root.makeFolder(dirname(target))
    if (topmost !== undefined && (made === undefined || topmost.length < made.length)) made = topmost
  }
}

async function checkEtag(target: string, wanted: string): Promise<void> {
  const stats = await lstat(target, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (stats === undefined) throw new StoreError('not-found', `${target}: there is no object of that key`)
  const { etag } = headOf(stats)
  if (etag !== wanted)
    throw new StoreError('precondition-failed', `${target}: the ETag is ${etag}, not ${wanted}`)
}

/** Uses a hard link, which fails if `target` exists; a rename would replace it. */
async function moveIfAbsent(path: string, target: string): Promise<void> {
  try {
    await link(path, target)
  } catch (error) {
    const code = codeOf(error) ?? ''
    // A file system without hard links cannot detect two writers in the same moment.
    const hasNoLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)
    if (hasNoLinks && !(await exists(target))) return await rename(path, target)
    if (code !== 'EEXIST' && !hasNoLinks) throw error
    throw new StoreError('precondition-failed', `${target}: there is an object of that key`, { cause: error })
  }
  await unlink(path)
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

/**
 * Makes the entries of `folder` durable, and the entries of all new folders from it up to `newest`.
 */
async function syncFolders(root: string, folder: string, newest: string | undefined): Promise<void> {
  await syncFolder(folder)
  if (newest === undefined) return
  for (
    let current = folder;
    current.length >= newest.length && current !== root;
    current = dirname(current)
  ) {
    await syncFolder(dirname(current))
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch((error: unknown) => {
    // Another process has removed the object meanwhile, and its empty folder with it.
    if (codeOf(error) !== 'ENOENT') throw error
  })
  try {
    await handle?.sync()
  } finally {
    await handle?.close()
  }
}
