import { open as openFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { RefusedEntry } from './archive-paths.ts'
import { type ArchiveEntry, placeEntry } from './place-entry.ts'
import { tooMany, tooManyBytes, type UnpackLimits } from './unpack-limits.ts'

/**
 * As unpack(). The central directory at the file's end says what the zip has: it is read entry by
 * entry, and a zip whose directory, sizes or CRCs are not right is refused.
 */
export async function unpackZip(
  file: string,
  folder: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<void> {
  const zip = await openPromise(file, { autoClose: false })
  // Errors while it is closed; all others reject.
  zip.on('error', () => {})
  try {
    if (zip.entryCount > limits.entries) throw tooMany(limits)
    let bytes = 0
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted()
      bytes += entry.uncompressedSize
      if (bytes > limits.bytes) throw tooManyBytes(limits)
      await place(zip, entry, folder, signal)
    }
    await refuseFurtherEntries(file, zip)
  } finally {
    zip.close()
  }
}

async function place(zip: ZipFile, entry: Entry, folder: string, signal: AbortSignal): Promise<void> {
  const described = await describe(zip, entry)
  // A folder has no bytes, whatever is stored with it.
  const isFolder = described.type === 'directory'
  await placeEntry(described, isFolder ? nothing() : bytesOf(zip, entry, signal), folder)
}

const longestTarget = 4096

async function describe(zip: ZipFile, entry: Entry): Promise<ArchiveEntry> {
  const { fileName: name, fileNameRaw, uncompressedSize: size } = entry
  const shown = JSON.stringify(name.slice(0, 200))
  const mode = isOfUnix(entry) ? entry.externalFileAttributes >>> 16 : 0
  if (isOfUnix(entry) && fileNameRaw.includes('\\')) throw new RefusedEntry(`${shown} had a backslash`)
  if (entry.isEncrypted()) throw new RefusedEntry(`${shown} is encrypted`)
  if (!entry.canDecodeFileData()) {
    throw new RefusedEntry(
      `${shown} has the compression method ${entry.compressionMethod}: only 0 and 8 can be read`,
    )
  }
  const { fileName: local } = await zip.readLocalFileHeaderPromise(entry)
  if (!local.equals(fileNameRaw)) throw new RefusedEntry(`${shown} has another name in front of its bytes`)
  const type = typeOf(name, mode)
  const described = { name, type, size, mode, mtime: entry.getLastModDate({ timezone: 'UTC' }) }
  if (type !== 'symlink') return described
  if (size > longestTarget) throw new RefusedEntry(`the target of the link ${shown} is too long`)
  return { ...described, linkname: await targetOf(zip, entry) }
}

/** Host systems of APPNOTE 4.4.2.2 that store the mode of stat(2): Unix and Darwin. */
function isOfUnix({ versionMadeBy }: Entry): boolean {
  return [3, 19].includes(versionMadeBy >> 8)
}

function typeOf(name: string, mode: number): string {
  const type = mode & 0o170000
  if (type === 0o120000) return 'symlink'
  if (name.endsWith('/')) return 'directory'
  return type === 0 || type === 0o100000 ? 'file' : 'device, pipe or folder without / at its end'
}

async function targetOf(zip: ZipFile, entry: Entry): Promise<string> {
  const target = await buffer(bytesOf(zip, entry, new AbortController().signal))
  return target.toString('utf8')
}

/** yauzl compares the sizes, but not the CRC. */
async function* bytesOf(zip: ZipFile, entry: Entry, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  let sum = 0
  for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
    signal.throwIfAborted()
    sum = crc32(chunk, sum)
    yield chunk
  }
  if (sum === entry.crc32) return
  throw new RefusedEntry(`the CRC-32 of ${JSON.stringify(entry.fileName)} is another one than the zip says`)
}

async function* nothing(): AsyncGenerator<Buffer, void> {}

const [endSignature, endBytes] = [0x06054b50, 22]
const [end64Signature, locatorBytes] = [0x06064b50, 20]

/**
 * yauzl stops after the number of entries that the end of the zip says: further ones would be left
 * out in silence. Behind the last entry nothing may lie but that end (APPNOTE 4.3.14 to 4.3.16).
 */
async function refuseFurtherEntries(path: string, zip: ZipFile): Promise<void> {
  const at = Number(zip.readEntryCursor)
  const head = Buffer.alloc(12)
  await using file = await openFile(path)
  await file.read(head, 0, head.length, at)
  const signature = head.readUInt32LE(0)
  const before64 = signature === end64Signature ? 12 + Number(head.readBigUInt64LE(4)) + locatorBytes : 0
  const isEnd = signature === endSignature || signature === end64Signature
  // The comment is decoded as cp437: a character is a byte.
  if (isEnd && at + before64 + endBytes + zip.comment.length === zip.fileSize) return
  throw new RefusedEntry(
    `its directory has more than the ${zip.entryCount} entries that its end says, or is damaged`,
  )
}
