import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../../util/error-code.ts'

/**
 * Removes a folder with all that is in it, even where a worker took all permissions from its
 * folders.
 */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(codeOf(error) ?? '')) throw error
    await openFolders(Buffer.from(path))
    await rm(path, { recursive: true, force: true })
  }
}

/**
 * Removes folders of that names below `root`; does nothing if a worker has put a link to another
 * folder in the place of `root`.
 */
export async function removeBelow(root: string, names: readonly string[]): Promise<void> {
  if (!(await isFolder(root))) return
  for (const name of names) await removeFolder(join(root, name))
}

/** False for a link to a folder. */
async function isFolder(path: string | Buffer): Promise<boolean> {
  const stat = await lstat(path).catch(() => undefined)
  return stat?.isDirectory() ?? false
}

/** Names are bytes: a worker's file names may be other than UTF-8. */
async function openFolders(path: Buffer): Promise<void> {
  if (!(await isFolder(path))) return
  await chmod(path, 0o700)
  for (const entry of await readdir(path, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) await openFolders(Buffer.concat([path, Buffer.from('/'), entry.name]))
  }
}
