/**
 * Headers of a zip, by PKWARE's APPNOTE 6.3.10, with Info-ZIP's extended timestamps. Contents are
 * stored, never compressed, so that all lengths are known before the first byte.
 */
export interface ZipMember {
  /** UTF-8; a directory's name ends with a slash. */
  name: Buffer
  /** The mode as of stat(2), with the bits of the file's type. */
  mode: number
  /** Seconds since 1970; zip has no fractions. */
  seconds: number
  /** Bytes of the content; a symbolic link's content is its target. */
  size: number
  /** The CRC-32 is known only behind the content: it follows in a data descriptor. */
  isStreamed: boolean
}

/** Sizes and offsets from this one on are in ZIP64 fields. */
const max32 = 0xffffffff
const utf8Flag = 1 << 11
const descriptorFlag = 1 << 3
/** Version 6.3 of the format; made on Unix, so that modes count. */
const madeBy = (3 << 8) | 63
const directoryAttribute = 0x10

/** The header before a member's content; `crc` is 0 for a streamed member. */
export function localHeader(member: ZipMember, crc: number): Buffer {
  const { size, isStreamed } = member
  const known = isStreamed ? 0 : size
  // Sizes of 8 bytes here make those of the data descriptor 8 bytes long as well.
  const zip64 = isLarge(member) ? extraField(0x0001, [known, known]) : none
  const shown = isLarge(member) ? max32 : known
  const extra = [zip64, timestamp(member)]
  const fixed = Buffer.alloc(localBytes)
  fixed.writeUInt32LE(0x04034b50, 0)
  fixed.writeUInt16LE(versionNeeded(isLarge(member)), 4)
  writeCommon(fixed, 6, member, crc, [shown, shown])
  fixed.writeUInt16LE(lengthOf(extra), 28)
  return Buffer.concat([fixed, member.name, ...extra])
}

/** What follows a streamed member's content. */
export function dataDescriptor(member: ZipMember, crc: number): Buffer {
  const bytes = Buffer.alloc(descriptorBytes(member))
  bytes.writeUInt32LE(0x08074b50, 0)
  bytes.writeUInt32LE(crc, 4)
  if (isLarge(member)) {
    write64(bytes, member.size, 8)
    write64(bytes, member.size, 16)
  } else {
    bytes.writeUInt32LE(member.size, 8)
    bytes.writeUInt32LE(member.size, 12)
  }
  return bytes
}

/** The member's record in the central directory; `offset` is that of its local header. */
export function centralHeader(member: ZipMember, crc: number, offset: number): Buffer {
  const { size, mode } = member
  const large = [...(isLarge(member) ? [size, size] : []), ...(offset >= max32 ? [offset] : [])]
  const extra = [large.length > 0 ? extraField(0x0001, large) : none, timestamp(member)]
  const shown = isLarge(member) ? max32 : size
  const fixed = Buffer.alloc(centralBytes)
  fixed.writeUInt32LE(0x02014b50, 0)
  fixed.writeUInt16LE(madeBy, 4)
  fixed.writeUInt16LE(versionNeeded(large.length > 0), 6)
  writeCommon(fixed, 8, member, crc, [shown, shown])
  fixed.writeUInt16LE(lengthOf(extra), 30)
  const isDirectory = member.name.at(-1) === 0x2f
  fixed.writeUInt32LE(((mode << 16) | (isDirectory ? directoryAttribute : 0)) >>> 0, 38)
  fixed.writeUInt32LE(Math.min(offset, max32), 42)
  return Buffer.concat([fixed, member.name, ...extra])
}

/** The end of a zip whose central directory begins at `offset`. */
export function endOfZip(count: number, length: number, offset: number): Buffer {
  const end = Buffer.alloc(endBytes)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(count, 0xffff), 8)
  end.writeUInt16LE(Math.min(count, 0xffff), 10)
  end.writeUInt32LE(Math.min(length, max32), 12)
  end.writeUInt32LE(Math.min(offset, max32), 16)
  if (count < 0xffff && length < max32 && offset < max32) return end
  const end64 = Buffer.alloc(end64Bytes)
  end64.writeUInt32LE(0x06064b50, 0)
  write64(end64, end64Bytes - 12, 4)
  end64.writeUInt16LE(madeBy, 12)
  end64.writeUInt16LE(versionNeeded(true), 14)
  write64(end64, count, 24)
  write64(end64, count, 32)
  write64(end64, length, 40)
  write64(end64, offset, 48)
  const locator = Buffer.alloc(locatorBytes)
  locator.writeUInt32LE(0x07064b50, 0)
  write64(locator, offset + length, 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([end64, locator, end])
}

/** Bytes of the member before the central directory. */
export function storedLength(member: ZipMember): number {
  const zip64 = isLarge(member) ? 4 + 16 : 0
  const extra = zip64 + timestamp(member).length
  const descriptor = member.isStreamed ? descriptorBytes(member) : 0
  return localBytes + member.name.length + extra + member.size + descriptor
}

/** Bytes of the member's record in the central directory. */
export function centralLength(member: ZipMember, offset: number): number {
  const large = (isLarge(member) ? 16 : 0) + (offset >= max32 ? 8 : 0)
  const zip64 = large > 0 ? 4 + large : 0
  return centralBytes + member.name.length + zip64 + timestamp(member).length
}

const localBytes = 30
const centralBytes = 46
const endBytes = 22
const end64Bytes = 56
const locatorBytes = 20
const none = Buffer.alloc(0)

function isLarge({ size }: ZipMember): boolean {
  return size >= max32
}

function descriptorBytes(member: ZipMember): number {
  return isLarge(member) ? 24 : 16
}

function versionNeeded(zip64: boolean): number {
  return zip64 ? 45 : 20
}

/** The fields from the flags to the name's length, which both headers have in this order. */
function writeCommon(
  into: Buffer,
  at: number,
  { name, seconds, isStreamed }: ZipMember,
  crc: number,
  [compressed, size]: readonly [number, number],
): void {
  const { date, time } = dosTime(seconds)
  into.writeUInt16LE(isStreamed ? utf8Flag | descriptorFlag : utf8Flag, at)
  into.writeUInt16LE(time, at + 4)
  into.writeUInt16LE(date, at + 6)
  into.writeUInt32LE(crc, at + 8)
  into.writeUInt32LE(compressed, at + 12)
  into.writeUInt32LE(size, at + 16)
  into.writeUInt16LE(name.length, at + 20)
}

/** Info-ZIP's field `UT`: the mtime in UTC; absent where its 32 bits don't reach. */
function timestamp({ seconds }: ZipMember): Buffer {
  if (seconds < -0x80000000 || seconds > 0x7fffffff) return none
  const field = Buffer.alloc(9)
  field.writeUInt16LE(0x5455, 0)
  field.writeUInt16LE(5, 2)
  field.writeUInt8(1, 4)
  field.writeInt32LE(seconds, 5)
  return field
}

function extraField(id: number, values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length)
  field.writeUInt16LE(id, 0)
  field.writeUInt16LE(8 * values.length, 2)
  for (const [index, value] of values.entries()) write64(field, value, 4 + 8 * index)
  return field
}

/** The time in UTC, as DOS writes it: from 1980 to 2107, to two seconds. */
function dosTime(seconds: number): { date: number; time: number } {
  const first = Date.UTC(1980, 0, 1)
  const last = Date.UTC(2107, 11, 31, 23, 59, 58)
  const at = new Date(Math.min(Math.max(seconds * 1000, first), last))
  return {
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  }
}

function write64(into: Buffer, value: number, at: number): void {
  into.writeBigUInt64LE(BigInt(value), at)
}

function lengthOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0)
}
