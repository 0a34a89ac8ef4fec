import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Makes the folders of a relative path. Any user can look into them, whatever the umask is. */
export async function makeFolders(directory: string, path: string): Promise<void> {
  const parts = path === '.' ? [] : path.split('/')
  for (const [index] of parts.entries()) {
    const folder = join(directory, ...parts.slice(0, index + 1))
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o755)
  }
}

/**
 * Lets `fill` put content into a new folder at `temporary`, which then takes the place of `folder`:
 * a killed program may have made that before.
 */
export async function makeWholeFolder<T>(
  folder: string,
  temporary: string,
  fill: () => Promise<T>,
): Promise<T> {
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary)
  await chmod(temporary, 0o755)
  const filled = await fill()
  await rm(folder, { recursive: true, force: true })
  await rename(temporary, folder)
  return filled
}
