import type { BigIntStats } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from './error-code.ts'
import type { ObjectHead } from './store.ts'

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
): Promise<ObjectHead> {
  // The kernel's own times advance only every few milliseconds: two objects in quick succession would share one.
  const now = (performance.timeOrigin + performance.now()) / 1000
  await temporary.utimes(now, now)
  await temporary.sync()
  const head = headOf(await temporary.stat({ bigint: true }))
  await moveInto(root, path, target)
  await syncFolder(dirname(target))
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

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function moveInto(root: string, path: string, target: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolder(root, dirname(target))
      return await rename(path, target)
    } catch (error) {
      // Another process may prune the folder between the two calls.
      if (codeOf(error) !== 'ENOENT' || attempt === 10) throw error
    }
  }
}

/** mkdir -p whose folders survive a power failure. */
async function makeFolder(root: string, folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length && made !== root; made = dirname(made)) {
    await syncFolder(dirname(made))
  }
}
