import type { Transform } from 'node:stream'
import { createGzip, createZstdCompress } from 'node:zlib'
import { invalid } from '../errors.ts'
import { writerTo } from '../writer-to.ts'

/** How a tar is sent. */
export interface ArchiveFormat {
  /** What the file's name ends with, behind a dot; the value of `format`. */
  extension: string
  /** https://www.iana.org/assignments/media-types; tar itself has none registered. */
  contentType: string
  /** Absent where the tar is sent as it is. */
  compressor?: () => Transform
}

const formats: readonly ArchiveFormat[] = [
  { extension: 'tar', contentType: 'application/x-tar' },
  { extension: 'tar.gz', contentType: 'application/gzip', compressor: () => createGzip() },
  { extension: 'tar.zst', contentType: 'application/zstd', compressor: () => createZstdCompress() },
]

/** The format of that name, `tar` without one. Throws a Problem that names `format`. */
export function archiveFormat(name = 'tar'): ArchiveFormat {
  const format = formats.find(({ extension }) => extension === name)
  if (format) return format
  throw invalid('format', 'is unknown', `one of ${formats.map(({ extension }) => extension).join(', ')}`)
}

/** The bytes in that format. Where they fail its end is missing, so that it can't pass for the whole. */
export async function* inFormat(
  { compressor }: ArchiveFormat,
  bytes: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  if (compressor === undefined) {
    yield* bytes
    return
  }
  const output = compressor()
  const done = compress(bytes, output)
  // Its failure comes out of the loop as well; nobody awaits it where the reader has gone.
  done.catch(() => {})
  for await (const chunk of output) yield chunk as Buffer
  await done
}

/** Not by pipeline(), which asks for the next chunk while this one is being compressed: it is valid only until then. */
async function compress(bytes: AsyncIterable<Buffer>, output: Transform): Promise<void> {
  const write = writerTo(output)
  try {
    for await (const chunk of bytes) await write(chunk)
    output.end()
  } catch (error) {
    output.destroy(error as Error)
    throw error
  }
}
