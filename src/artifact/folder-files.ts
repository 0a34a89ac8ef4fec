import type { BigIntStats } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, rename, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from './error-code.ts'
import { type ObjectHead, StoreError, type WriteOptions } from './store.ts'

/** The folder's own folder, on the same file system as the objects so that a rename is one step. */
export const temporaryFolder = '.tmp'

/**
 * Size and modification time in nanoseconds, which publish() sets: another object of that key has another time.
 * Not the inode, so that a folder that was moved or restored with its times keeps its ETags.
 */
export function headOf(stats: BigIntStats): ObjectHead {
  return {
    size: Number(stats.size),
    etag: `${stats.size.toString(16)}-${stats.mtimeNs.toString(16)}`,
    modified: stats.mtime,
  }
}

/**
 * Makes the written file `temporary` the object at `target`, durably: file, rename and every new folder are on
 * disk when it resolves.
 */
export async function publish(
  root: string,
  temporary: FileHandle,
  path: string,
  target: string,
  { ifAbsent = false, ifMatch }: WriteOptions = {},
): Promise<ObjectHead> {
  // The kernel's own times advance only every few milliseconds: two objects in quick succession would share one.
  const now = (Date.now() + (performance.now() % 1)) / 1000
  await temporary.utimes(now, now)
  await temporary.sync()
  const head = headOf(await temporary.stat({ bigint: true }))
  if (ifMatch !== undefined) await checkEtag(target, ifMatch)
  const newestFolder = await moveInto(path, target, ifAbsent)
  // Behind the rename: a folder with something in it can't be pruned any more.
  await syncFolders(root, dirname(target), newestFolder)
  return head
}

/** A new file in the temporary folder, which the uploader may be the first to need. */
export async function openTemporary(root: string, name: string): Promise<FileHandle> {
  const path = join(root, temporaryFolder, name)
  try {
    return await open(path, 'wx')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true })
    return open(path, 'wx')
  }
}

/** Writes all bytes from `position` on; a single write may stop short. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done)
    done += bytesWritten
  }
}

/** Removes the folders from `folder` up to, but without, `root` that are empty. */
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

/** Moves the file and gives the topmost folder that had to be made for it. */
async function moveInto(path: string, target: string, ifAbsent: boolean): Promise<string | undefined> {
  let made: string | undefined
  for (let attempt = 1; ; attempt++) {
    try {
      if (ifAbsent) await moveIfAbsent(path, target)
      else await rename(path, target)
      return made
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || attempt === 100) throw error
    }
    // Another process may prune the folder at once, then it is made again.
    const topmost = await mkdir(dirname(target), { recursive: true })
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

/** A rename would replace what is there; a link doesn't. */
async function moveIfAbsent(path: string, target: string): Promise<void> {
  try {
    await link(path, target)
  } catch (error) {
    const code = codeOf(error) ?? ''
    // Where there are no links, two writers in the same moment are not told apart.
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

/** Makes the entries in `folder` durable, and those of all new folders from it up to `newest`. */
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
    // Whoever removed the object meanwhile has removed its folder.
    if (codeOf(error) !== 'ENOENT') throw error
  })
  try {
    await handle?.sync()
  } finally {
    await handle?.close()
  }
}
