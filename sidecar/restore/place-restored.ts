import { constants, type Stats } from 'node:fs'
import { chmod, type FileHandle, lstat, lutimes, mkdir, open, rm, symlink, utimes } from 'node:fs/promises'
import { type Entry, pathBytes, targetBytes } from '../../src/result-format/entry.ts'
import { codeOf } from '../../src/util/error-code.ts'

/*
 * Entries of a result, put back into a directory that nobody else writes to. They belong to the
 * uploader, which can't give them away: so that the worker can go on with them whatever its user is,
 * all of them are readable and writable for all, and what its owner could run can be run by all.
 */

/** Whether the file is there already: a whole one has its time, which it gets last. */
export async function isRestored(root: Buffer, entry: Entry): Promise<boolean> {
  const there = await lstat(placeOf(root, entry)).catch(() => undefined)
  if (!there?.isFile() || there.size !== entry.size || entry.mtime === undefined) return false
  return Math.abs(there.mtimeMs - secondsOf(entry.mtime) * 1000) < 1
}

/** Makes a file whose content `fill` writes. */
export async function placeFile(
  root: Buffer,
  entry: Entry,
  fill: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const at = placeOf(root, entry)
  await makeParents(root, entry)
  await rm(at, { force: true })
  await using file = await open(at, newFile, 0o600)
  await fill(file)
  await file.chmod(modeOf(entry))
  if (entry.mtime !== undefined) await file.utimes(new Date(), secondsOf(entry.mtime))
}

export async function makeFolder(root: Buffer, entry: Entry): Promise<void> {
  await makeParents(root, entry)
  await makeRealFolder(placeOf(root, entry))
}

/**
 * Gives a folder, all contents of which are there, its time. One that the volume came with, such as
 * `lost+found`, is another user's and keeps its own.
 */
export async function markFolder(root: Buffer, entry: Entry): Promise<void> {
  if (entry.mtime === undefined) return
  const at = placeOf(root, entry)
  await utimes(at, new Date(), secondsOf(entry.mtime)).catch(async (error: unknown) => {
    if (codeOf(error) !== 'EPERM' || isOwn(await lstat(at))) throw error
  })
}

/** A link as it was, also one that leads out of the directory: nothing here follows it. */
export async function placeLink(root: Buffer, entry: Entry): Promise<void> {
  const at = placeOf(root, entry)
  await makeParents(root, entry)
  await rm(at, { force: true })
  await symlink(targetBytes(entry), at)
  if (entry.mtime !== undefined) await lutimes(at, new Date(), secondsOf(entry.mtime))
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const slash = '/'.charCodeAt(0)

/** Any byte string is a name. The manifest's reader has checked that it stays within the result. */
function placeOf(root: Buffer, entry: Entry): Buffer {
  return Buffer.concat([root, Buffer.of(slash), pathBytes(entry)])
}

/** Setuid and setgid are left out: the owner is another one. */
function modeOf({ mode = '' }: Entry): number {
  return (Number.parseInt(mode, 8) || 0) & 0o111 ? 0o777 : 0o666
}

/** A result that was cut short may lack its folders. A parent that is a link rejects with ENOTDIR. */
async function makeParents(root: Buffer, entry: Entry): Promise<void> {
  const path = pathBytes(entry)
  for (let end = path.indexOf(slash); end !== -1; end = path.indexOf(slash, end + 1)) {
    await makeRealFolder(Buffer.concat([root, Buffer.of(slash), path.subarray(0, end)]))
  }
}

async function makeRealFolder(at: Buffer): Promise<void> {
  const there = await lstat(at).catch(() => undefined)
  if (there?.isDirectory()) {
    // A kill may have come between making it and opening it to all.
    if (isOwn(there) && (there.mode & 0o777) !== 0o777) await chmod(at, 0o777)
    return
  }
  // EEXIST: another file below it has made it at the same moment, or it is a file or link.
  await mkdir(at).catch(async (error: unknown) => {
    const now = codeOf(error) === 'EEXIST' ? await lstat(at) : undefined
    if (!now?.isDirectory()) throw error
  })
  // Whatever the umask is.
  await chmod(at, 0o777)
}

function isOwn({ uid }: Stats): boolean {
  return uid === process.geteuid?.()
}

/** Since the epoch, of RFC 3339 in UTC with nine decimals; a double is exact to half a microsecond. */
function secondsOf(time: string): number {
  const [whole = '', fraction = '0'] = time.replace('Z', '').split('.')
  return Date.parse(`${whole}Z`) / 1000 + Number(`0.${fraction}`)
}
