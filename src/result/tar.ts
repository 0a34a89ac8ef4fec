import { type Entry, pathBytes, targetBytes } from '../artifact/entry.ts'
import { endOfTar, padding, type TarMember, tarHeader } from '../artifact/tar-header.ts'
import { readAhead } from './read-ahead.ts'
import { isReadable, type ReadableFile } from './readable-file.ts'
import { directoriesLast } from './tar-order.ts'

const chunkBytes = 64 * 1024
/** A member's, as a rule. */
const headerBytes = 512

/**
 * A tar of all directories, symlinks and files whose bytes are in the store; a file with an error and a skipped
 * name have no place in it. It ends with what `read` or `entries` fails with, then its end is missing.
 */
export function tarBytes(
  entries: AsyncIterable<Entry>,
  read: (file: ReadableFile) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  return gather(tarBlocks(directoriesLast(entries), read))
}

async function* tarBlocks(
  entries: AsyncIterable<Entry>,
  read: (file: ReadableFile) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  for await (const { entry, bytes } of readAhead(membersOf(entries), read)) {
    const member = memberOf(entry)
    yield tarHeader(member)
    if (bytes !== undefined) yield* bytes
    yield padding(member.size)
  }
  yield endOfTar
}

async function* membersOf(entries: AsyncIterable<Entry>): AsyncGenerator<Entry, void> {
  for await (const entry of entries) if (isMember(entry)) yield entry
}

function isMember(entry: Entry): boolean {
  return entry.type === 'directory' || entry.type === 'symlink' || isReadable(entry)
}

function memberOf(entry: Entry): TarMember {
  const path = pathBytes(entry)
  const common = { mode: Number.parseInt(entry.mode ?? '0644', 8), mtime: momentOf(entry.mtime) }
  switch (entry.type) {
    case 'directory':
      return { ...common, type: 'directory', path: Buffer.concat([path, Buffer.from('/')]), size: 0 }
    case 'symlink':
      return { ...common, type: 'symlink', path, size: 0, target: targetBytes(entry) }
    default:
      return { ...common, type: 'file', path, size: entry.size ?? 0 }
  }
}

function momentOf(mtime = '1970-01-01T00:00:00.000000000Z'): TarMember['mtime'] {
  const fraction = /\.(\d+)Z$/.exec(mtime)?.[1] ?? ''
  return {
    seconds: Date.parse(`${mtime.slice(0, 19)}Z`) / 1000,
    nanoseconds: Number(fraction.padEnd(9, '0').slice(0, 9)),
  }
}

/** Headers and small files share a chunk, each being a write to the client; the first comes with the first file's bytes. */
async function* gather(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let parts: Buffer[] = []
  let bytes = 0
  let enough = headerBytes + 1
  for await (const block of blocks) {
    if (block.length === 0) continue
    if (bytes === 0 && block.length >= chunkBytes) {
      yield block
      continue
    }
    bytes += block.length
    if (bytes < enough) {
      // A chunk of a file is valid until the next one is asked for.
      parts.push(Buffer.from(block))
      continue
    }
    yield Buffer.concat([...parts, block])
    enough = chunkBytes
    parts = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(parts)
}
