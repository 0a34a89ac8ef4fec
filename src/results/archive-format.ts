import type { Transform } from 'node:stream'
import { createGzip, createZstdCompress } from 'node:zlib'
import { invalid } from '../util/errors.ts'
import { type Sink, sinkOf } from '../util/sink.ts'

/** A format for sending several files. */
export interface ArchiveFormat {
  /** The file name's extension, without the dot; also the value of the parameter `format`. */
  extension: string
  /** https://www.iana.org/assignments/media-types; no type is registered for tar itself. */
  contentType: string
  kind: 'tar' | 'zip'
  /** Undefined for an uncompressed archive. */
  compressor?: () => Transform
}

const formats: readonly ArchiveFormat[] = [
  { extension: 'tar', kind: 'tar', contentType: 'application/x-tar' },
  { extension: 'tar.gz', kind: 'tar', contentType: 'application/gzip', compressor: () => createGzip() },
  {
    extension: 'tar.zst',
    kind: 'tar',
    contentType: 'application/zstd',
    compressor: () => createZstdCompress(),
  },
  { extension: 'zip', kind: 'zip', contentType: 'application/zip' },
]

/** The format with this name; default `tar`. Throws a Problem that names `format`. */
export function archiveFormat(name = 'tar'): ArchiveFormat {
  const format = formats.find(({ extension }) => extension === name)
  if (format) return format
  throw invalid('format', 'is unknown', `one of ${formats.map(({ extension }) => extension).join(', ')}`)
}

/** Writes all bytes of a tar, or of its compressed form, to the sink. */
type Write = (sink: Sink) => Promise<void>

/** The tar in this format. If the tar fails, the archive fails as well: its end is missing. */
export function inFormat({ compressor }: ArchiveFormat, tar: Write): Write {
  if (compressor === undefined) return tar
  return async (sink) => {
    const output = compressor()
    const compressed = compress(tar, output)
    // The loop below throws the same error; if the sink fails, this promise is never awaited.
    compressed.catch(() => {})
    for await (const chunk of output) await sink(chunk as Buffer)
    await compressed
  }
}

async function compress(tar: Write, output: Transform): Promise<void> {
  try {
    await tar(sinkOf(output))
    output.end()
  } catch (error) {
    output.destroy(error as Error)
    throw error
  }
}
