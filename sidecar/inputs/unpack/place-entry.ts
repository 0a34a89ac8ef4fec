import { constants } from 'node:fs'
import { chmod, link, lstat, mkdir, open, rm, symlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../../src/util/error-code.ts'
import { isStayingLink, pathInArchive, RefusedEntry } from './archive-paths.ts'

/** An entry of an archive, as the archive describes it. */
export interface ArchiveEntry {
  name: string
  /** Another one than `file`, `directory`, `symlink` and `link` is refused. */
  type: string
  /** Bytes of a file. */
  size: number
  mode: number
  mtime?: Date | undefined
  /** Target of a link. */
  linkname?: string | undefined
}

/**
 * Puts an entry into the folder. Rejects with RefusedEntry if it would lie or lead outside of it, is
 * no file, folder or link, or its content is not `size` bytes; with errors of the file system and of
 * the content.
 */
export async function placeEntry(
  entry: ArchiveEntry,
  content: AsyncIterable<Uint8Array>,
  folder: string,
): Promise<void> {
  const path = pathInArchive(entry.name)
  if (path === '') return
  const at = join(folder, path)
  await makeParents(folder, path)
  const { linkname = '' } = entry
  switch (entry.type) {
    case 'directory':
      await mkdir(at, { recursive: true })
      await refuseIfLink(at, path)
      return await chmod(at, 0o755)
    case 'file':
      await rm(at, { force: true })
      return await writeFile(at, content, entry)
    case 'symlink':
      if (!isStayingLink(path, linkname)) throw leadsOut(path)
      await rm(at, { force: true })
      return await symlink(linkname, at)
    case 'link': {
      const target = pathInArchive(linkname)
      await makeParents(folder, target)
      if (!(await lstat(join(folder, target)).catch(() => undefined))?.isFile()) throw leadsOut(path)
      await rm(at, { force: true })
      return await link(join(folder, target), at)
    }
    default:
      throw new RefusedEntry(`${JSON.stringify(path)} is a ${entry.type}`)
  }
}

/**
 * The folders above a path: none of them may be a link, or a link within the folder could lead a
 * later `..` out of it.
 */
export async function makeParents(folder: string, path: string): Promise<void> {
  const parts = dirname(path) === '.' ? [] : dirname(path).split('/')
  for (const [index] of parts.entries()) {
    const parent = join(folder, ...parts.slice(0, index + 1))
    const there = await lstat(parent).catch(() => undefined)
    if (there === undefined) {
      // Recursive: another file of the folder may make it at the same moment.
      await mkdir(parent, { recursive: true })
      await chmod(parent, 0o755)
    } else if (!there.isDirectory()) {
      throw new RefusedEntry(`${JSON.stringify(path)} lies below a file or link`)
    }
  }
}

/** Whether the archive and not the machine is at fault. */
export function isBadArchive(error: unknown): boolean {
  return !isOfFileSystem(error) || isBadName(error)
}

/** Whether the file system refuses a name: no other file system would do. */
export function isBadName(error: unknown): boolean {
  return isOfFileSystem(error) && badNames.includes(codeOf(error) ?? '')
}

/** Of calls of Node's own: the store's wrap what their connections say. */
export function isOfFileSystem(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error
}

/** The file system's words for a name that is too long, or a file and a folder at once. */
const badNames = ['EEXIST', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'ENAMETOOLONG', 'ERR_FS_EISDIR']

async function refuseIfLink(at: string, path: string): Promise<void> {
  if ((await lstat(at)).isSymbolicLink())
    throw new RefusedEntry(`${JSON.stringify(path)} is a folder and a link`)
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

async function writeFile(at: string, content: AsyncIterable<Uint8Array>, entry: ArchiveEntry): Promise<void> {
  const { name, size, mode, mtime } = entry
  let written = 0
  await using file = await open(at, newFile, 0o600)
  for await (const chunk of content) {
    await file.writeFile(chunk)
    written += chunk.length
  }
  if (written !== size) throw new RefusedEntry(`it is cut short in ${JSON.stringify(name)}`)
  await file.chmod(mode & 0o111 ? 0o755 : 0o644)
  if (mtime !== undefined && Number.isFinite(mtime.getTime())) await utimes(at, mtime, mtime)
}

function leadsOut(path: string): RefusedEntry {
  return new RefusedEntry(`the link ${JSON.stringify(path)} leads out of the folder, or to nothing in it`)
}
