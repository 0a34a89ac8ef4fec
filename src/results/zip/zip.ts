import { crc32 } from 'node:zlib'
import { type Entry, targetBytes } from '../../result-format/entry.ts'
import type { Sink } from '../../util/sink.ts'
import { BlockWriter } from '../tar/block-writer.ts'
import { type Member, readAhead, type SendFile } from '../tar/read-ahead.ts'
import { membersOf } from '../tar/tar.ts'
import type { ZipPlan } from './plan-zip.ts'
import {
  centralHeader,
  dataDescriptor,
  endOfZip,
  localHeader,
  storedLength,
  type ZipMember,
} from './zip-headers.ts'
import { zipMember } from './zip-member.ts'

/**
 * Writes the zip that was planned for these entries, which are read twice: the central directory at
 * the end names all of them again, and only their CRCs (4 bytes each) are kept in memory. Rejects
 * with the error of `send`, `entries` or the sink: the zip then lacks its end.
 */
export async function sendZip(
  { count, contents, directory }: ZipPlan,
  entries: AsyncIterable<Entry>,
  around: (entries: AsyncIterable<Entry>) => AsyncIterable<Entry>,
  send: SendFile,
  sink: Sink,
): Promise<void> {
  const blocks = new BlockWriter(sink)
  const crcs = new Uint32Array(count)
  let index = 0
  for await (const read of readAhead(around(membersOf(entries)), send)) {
    crcs[index] = await writeMember(blocks, zipMember(read.entry), read)
    index += 1
  }
  let offset = 0
  index = 0
  for await (const entry of membersOf(entries)) {
    const member = zipMember(entry)
    await blocks.write(centralHeader(member, crcs[index] ?? 0, offset))
    offset += storedLength(member)
    index += 1
  }
  await blocks.write(endOfZip(count, directory, contents))
  await blocks.flush()
}

/** Writes a member with its content; resolves with the content's CRC-32. */
async function writeMember(
  blocks: BlockWriter,
  member: ZipMember,
  { entry, content }: Member,
): Promise<number> {
  if (!member.isStreamed || content === undefined) {
    const bytes = content === undefined ? linkContent(entry) : await wholeContent(content)
    const crc = crc32(bytes)
    await blocks.write(localHeader(member, crc))
    await blocks.write(bytes)
    return crc
  }
  let crc = 0
  await blocks.write(localHeader(member, 0))
  await content(async (chunk) => {
    crc = crc32(chunk, crc)
    await blocks.write(chunk)
  })
  await blocks.write(dataDescriptor(member, crc))
  return crc
}

function linkContent(entry: Entry): Buffer {
  return entry.type === 'symlink' ? targetBytes(entry) : Buffer.alloc(0)
}

/** The bytes of a small file, which readAhead() gives as one chunk. */
async function wholeContent(content: NonNullable<Member['content']>): Promise<Buffer> {
  let bytes = Buffer.alloc(0)
  await content(async (chunk) => {
    bytes = bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([bytes, chunk])
  })
  return bytes
}
