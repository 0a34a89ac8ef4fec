import { createHash } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import type { TargetFolder } from './target-folder.ts'
import type { WantedFile } from './wanted-file.ts'

/** Writes a file of which all bytes are here: under its name it is never seen in part. */
export async function writeFileWhole(
  folder: TargetFolder,
  file: WantedFile,
  bytes: Uint8Array,
): Promise<void> {
  const path = partPath(folder, file)
  const handle = await open(path, 'w', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.chmod(file.mode)
    if (file.mtime !== undefined) await handle.utimes(file.mtime, file.mtime)
  } finally {
    await handle.close()
  }
  await rename(path, folder.pathOf(file.place))
}

/** Where a file lies until it is whole. */
export function partPath(folder: TargetFolder, { path }: Pick<WantedFile, 'path'>): string {
  return folder.own(`${createHash('sha256').update(path).digest('hex').slice(0, 32)}.part`)
}
