import { chmod, readdir, rm } from 'node:fs/promises'

/** Removes a folder and all in it, folders included that a worker has closed to everybody, itself too. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await openFolders(Buffer.from(path))
    await rm(path, { recursive: true, force: true })
  }
}

/** Names stay bytes: a worker's need not be UTF-8. */
async function openFolders(path: Buffer): Promise<void> {
  await chmod(path, 0o700)
  for (const entry of await readdir(path, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) await openFolders(Buffer.concat([path, Buffer.from('/'), entry.name]))
  }
}
