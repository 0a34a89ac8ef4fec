import { isUtf8 } from 'node:buffer'

/**
 * Input for the headers of a POSIX tar (ustar with PAX records). The package tar-stream cannot
 * write them: names may be any bytes, but it takes strings, encodes them as UTF-8 and writes no PAX
 * record of bytes.
 */
export interface TarMember {
  /** A directory's path ends with a slash. */
  path: Buffer
  type: 'file' | 'directory' | 'symlink'
  size: number
  mode: number
  mtime: { seconds: number; nanoseconds: number }
  target?: Buffer
}

export const tarBlockBytes = 512

/** Two blocks of zeros end an archive. */
export const endOfTar = Buffer.alloc(2 * tarBlockBytes)

const typeFlags = { file: '0', symlink: '2', directory: '5' } as const
const maxOctal = 0o77777777777

/** The blocks before a member's content. */
export function tarHeader(member: TarMember): Buffer {
  const records = paxRecords(member)
  const flag = typeFlags[member.type]
  const seconds = Math.min(Math.max(member.mtime.seconds, 0), maxOctal)
  const block = ustarBlock({ ...member, flag, size: Math.min(member.size, maxOctal), seconds })
  if (records.length === 0) return block
  const path = Buffer.from('PaxHeader')
  const pax = ustarBlock({ path, flag: 'x', size: records.length, mode: 0o644, seconds })
  return Buffer.concat([pax, records, padding(records.length), block])
}

/** The zeros that fill content of `size` bytes up to whole blocks. */
export function padding(size: number): Buffer {
  return endOfTar.subarray(0, (tarBlockBytes - (size % tarBlockBytes)) % tarBlockBytes)
}

function paxRecords({ path, target, size, mtime }: TarMember): Buffer {
  const records: Buffer[] = []
  const names = [
    ['path', path],
    ['linkpath', target ?? Buffer.alloc(0)],
  ] as const
  // A name that is not UTF-8 goes into the ustar field, which every tar reads, unless it is too
  // long.
  const beyondUstar = names.filter(([, name]) => name.length > 100 || (!isAscii(name) && isUtf8(name)))
  if (beyondUstar.some(([, name]) => !isUtf8(name))) records.push(record('hdrcharset', Buffer.from('BINARY')))
  for (const [keyword, name] of beyondUstar) records.push(record(keyword, name))
  if (size > maxOctal) records.push(record('size', Buffer.from(String(size))))
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0 || mtime.seconds > maxOctal) {
    records.push(record('mtime', Buffer.from(decimal(mtime))))
  }
  return Buffer.concat(records)
}

/** `<length> <keyword>=<value>\n`; the length includes its own digits. */
function record(keyword: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), value, Buffer.from('\n')])
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** Seconds as a decimal. Before 1970 the value is negative, so the fraction counts backwards. */
function decimal({ seconds, nanoseconds }: { seconds: number; nanoseconds: number }): string {
  if (nanoseconds === 0) return String(seconds)
  const backwards = seconds < 0
  const fraction = String(backwards ? 1_000_000_000 - nanoseconds : nanoseconds).padStart(9, '0')
  return `${backwards ? '-' : ''}${backwards ? -(seconds + 1) : seconds}.${fraction}`
}

interface Block {
  path: Buffer
  flag: string
  size: number
  mode: number
  seconds: number
  target?: Buffer
}

function ustarBlock({ path, flag, size, mode, seconds, target }: Block): Buffer {
  // Unlike Buffer.alloc(), allocUnsafe() uses Node's shared pool: thousands are allocated per
  // second.
  const block = Buffer.allocUnsafe(tarBlockBytes).fill(0)
  path.copy(block, 0, 0, 100)
  block.write(octal(mode, 7), 100, 'latin1')
  block.write(octal(0, 7), 108, 'latin1')
  block.write(octal(0, 7), 116, 'latin1')
  block.write(octal(size, 11), 124, 'latin1')
  block.write(octal(seconds, 11), 136, 'latin1')
  block.write(`        ${flag}`, 148, 'latin1')
  target?.copy(block, 157, 0, 100)
  block.write('ustar\0', 257, 'latin1')
  block.write('00', 263, 'latin1')
  block.write(octal(0, 7), 329, 'latin1')
  block.write(octal(0, 7), 337, 'latin1')
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte < 0x80)
}
