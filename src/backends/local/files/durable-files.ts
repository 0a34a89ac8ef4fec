import { randomUUID } from 'node:crypto'
import { chmod, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Replaces a file as a whole: after a crash or a power cut it holds the old text or the new one.
 * Only its owner can read it. Rejects with the file system's error, the old file is untouched then.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.new`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes a folder that only its owner can enter and that survives a power cut. */
export async function makeDirectoryDurably(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  // An earlier version may have made it with another mode.
  await chmod(path, 0o700)
  await syncDirectory(dirname(path))
}

/** A new name in a directory survives a power cut only after fsync() of the directory itself. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
