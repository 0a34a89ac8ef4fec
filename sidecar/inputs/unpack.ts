import { constants, createReadStream } from 'node:fs'
import { chmod, link, lstat, mkdir, open, rm, symlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PassThrough, type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import type { ArchiveKind } from '../../src/job/inputs/input-list.ts'
import { codeOf } from '../../src/util/error-code.ts'
import { isStayingLink, pathInArchive, RefusedEntry } from './archive-paths.ts'

export interface UnpackLimits {
  /** Of the archive without its compression. */
  bytes: number
  entries: number
}

/**
 * Unpacks an archive into an empty folder. Entries that would lie or lead outside of it, devices and
 * pipes end it, as do more bytes or entries than the limits. Rejects with RefusedEntry, with errors
 * of the file system, and with other errors for what is no archive of that kind.
 */
export async function unpack(
  file: string,
  kind: ArchiveKind,
  folder: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<void> {
  const entries = extract()
  const feeding = pipeline(createReadStream(file), decompressor(kind), atMost(limits.bytes), entries, {
    signal,
  })
  feeding.catch(() => undefined)
  let count = 0
  let bytes = 0
  try {
    for await (const entry of entries) {
      const { header } = entry
      count += 1
      bytes += header.size ?? 0
      if (count > limits.entries) throw new RefusedEntry(`it has more than ${limits.entries} entries`)
      if (bytes > limits.bytes) throw tooLarge(limits.bytes)
      await place(header, entry as unknown as Readable, folder)
      entry.resume()
    }
    await feeding
  } catch (error) {
    // The entry was destroyed with the archive, whose own error says why.
    if (codeOf(error) === 'STREAM_DESTROYED') await feeding
    throw error
  } finally {
    entries.destroy()
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

function isOfFileSystem(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error
}

/** The file system's words for a name that is too long, or a file and a folder at once. */
const badNames = ['EEXIST', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'ENAMETOOLONG', 'ERR_FS_EISDIR']

function decompressor(kind: ArchiveKind) {
  if (kind === 'tar.gz') return createGunzip()
  return kind === 'tar.zst' ? createZstdDecompress() : new PassThrough()
}

/** Headers count too: without entries they would be read for ever. */
function atMost(limit: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > limit) done(tooLarge(limit))
      else done(null, chunk)
    },
  })
}

async function place(header: Header, content: Readable, folder: string): Promise<void> {
  const path = pathInArchive(header.name)
  if (path === '') return
  const at = join(folder, path)
  await makeParents(folder, path)
  switch (header.type) {
    case 'directory':
      await mkdir(at, { recursive: true })
      await refuseIfLink(at, path)
      return await chmod(at, 0o755)
    case 'file':
    case 'contiguous-file':
      await rm(at, { force: true })
      return await writeFile(at, content, header)
    case 'symlink':
      if (!isStayingLink(path, header.linkname ?? '')) throw leadsOut(path)
      await rm(at, { force: true })
      return await symlink(header.linkname ?? '', at)
    case 'link': {
      const target = pathInArchive(header.linkname ?? '')
      await makeParents(folder, target)
      if (!(await lstat(join(folder, target)).catch(() => undefined))?.isFile()) throw leadsOut(path)
      await rm(at, { force: true })
      return await link(join(folder, target), at)
    }
    default:
      throw new RefusedEntry(`${JSON.stringify(path)} is a ${header.type ?? 'entry of an unknown type'}`)
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

async function refuseIfLink(at: string, path: string): Promise<void> {
  if ((await lstat(at)).isSymbolicLink())
    throw new RefusedEntry(`${JSON.stringify(path)} is a folder and a link`)
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

async function writeFile(at: string, content: Readable, header: Header): Promise<void> {
  const { size = 0, mode = 0, mtime } = header
  let written = 0
  await using file = await open(at, newFile, 0o600)
  for await (const chunk of content) {
    await file.writeFile(chunk as Buffer)
    written += (chunk as Buffer).length
  }
  if (written !== size) throw new RefusedEntry(`it is cut short in ${JSON.stringify(header.name)}`)
  await file.chmod(mode & 0o111 ? 0o755 : 0o644)
  if (mtime !== undefined && Number.isFinite(mtime.getTime())) await utimes(at, mtime, mtime)
}

function tooLarge(limit: number): RefusedEntry {
  return new RefusedEntry(`it has more than ${limit} bytes without its compression`)
}

function leadsOut(path: string): RefusedEntry {
  return new RefusedEntry(`the link ${JSON.stringify(path)} leads out of the folder, or to nothing in it`)
}
