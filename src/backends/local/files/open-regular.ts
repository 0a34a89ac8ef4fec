import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens a file of a job's folder for reading. A worker may have put a link or a pipe in its place:
 * neither is followed or waited for, it counts as absent (ENOENT).
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' || error.code === 'ENXIO' ? absent(path) : error
  })
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw absent(path)
}

/** The text of such a file. */
export async function readRegular(path: string): Promise<string> {
  const file = await openRegular(path)
  try {
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function absent(path: string): Error {
  return Object.assign(new Error(`ENOENT: no regular file, open '${path}'`), { code: 'ENOENT' })
}
