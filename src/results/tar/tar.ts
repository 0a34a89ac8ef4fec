import { type Entry, pathBytes, targetBytes } from '../../result-format/entry.ts'
import { endOfTar, padding, type TarMember, tarHeader } from '../../result-format/tar-header.ts'
import type { Sink } from '../../util/sink.ts'
import { isReadable } from '../serve/readable-file.ts'
import { BlockWriter } from './block-writer.ts'
import { readAhead, type SendFile } from './read-ahead.ts'
import { directoriesLast } from './tar-order.ts'

/**
 * Writes a tar of all directories, symlinks and files whose bytes are in the store; it omits files
 * with an error and skipped names. Rejects with the error of `send`, `entries` or the sink: the tar
 * then lacks its end.
 */
export async function sendTar(entries: AsyncIterable<Entry>, send: SendFile, sink: Sink): Promise<void> {
  const blocks = new BlockWriter(sink)
  for await (const { entry, content } of readAhead(membersOf(directoriesLast(entries)), send)) {
    const member = memberOf(entry)
    await blocks.write(tarHeader(member))
    await content?.((chunk) => blocks.write(chunk))
    await blocks.write(padding(member.size))
  }
  await blocks.write(endOfTar)
  await blocks.flush()
}

/** The entries that archives hold. */
export async function* membersOf(entries: AsyncIterable<Entry>): AsyncGenerator<Entry, void> {
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
