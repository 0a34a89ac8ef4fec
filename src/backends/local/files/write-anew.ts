import { writeFile } from 'node:fs/promises'
import { removeFolder } from './remove-folder.ts'

/**
 * Writes a file that only its owner can read. What a worker has put in its place, such as a link to
 * a file of somebody else, is removed and not followed.
 */
export async function writeAnew(path: string, content: string | Buffer): Promise<void> {
  await removeFolder(path)
  await writeFile(path, content, { flag: 'wx', mode: 0o600 })
}
