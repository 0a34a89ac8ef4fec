import { createHash } from 'node:crypto'
import { JobferryError } from '../errors.ts'
import { streamOf } from '../http/stream-of.ts'
import type { Transport } from '../http/transport.ts'
import { filePath, readBytes } from './read-file.ts'

export interface OpenOptions {
  /** First byte. Default: 0. */
  start?: number
  /** Byte after the last one. Default: the file's size. */
  end?: number
  /** Before the job's end: the file as far as it is stored. */
  soFar?: boolean
  signal?: AbortSignal
}

export interface OpenedFile {
  /** Bytes of the whole file. */
  size: number
  /** Of the whole file. */
  sha256: string
  /**
   * The bytes; after a break it goes on where it was. It ends with a JobferryError `damaged` if the
   * bytes of a whole file have another SHA-256.
   */
  stream: ReadableStream<Uint8Array>
}

export async function openFile(
  transport: Transport,
  id: string,
  file: string | Uint8Array,
  { start = 0, end = Number.POSITIVE_INFINITY, soFar, signal }: OpenOptions = {},
): Promise<OpenedFile> {
  const path = typeof file === 'string' ? new TextEncoder().encode(file) : file
  const url = filePath(id, path, soFar)
  const { headers } = await transport.request(url, { method: 'HEAD', repeat: true, signal })
  const size = Number(headers.get('content-length'))
  const [, sha256] = /^"([0-9a-f]{64})"$/.exec(headers.get('etag') ?? '') ?? []
  if (sha256 === undefined || !Number.isSafeInteger(size)) {
    throw new JobferryError('unexpected-answer', `${url} has no size and digest`)
  }
  const range = { start, end: Math.min(end, size) }
  const bytes = readBytes(transport, { id, path, sha256, size, ...range, soFar, signal })
  const isWhole = range.start === 0 && range.end === size
  return { size, sha256, stream: streamOf(isWhole ? checked(bytes, sha256, url) : bytes) }
}

/** Throws before its end if the bytes have another SHA-256. */
async function* checked(
  bytes: AsyncIterable<Uint8Array>,
  sha256: string,
  url: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== sha256) {
    throw new JobferryError('damaged', `${url} came with other bytes than were stored`)
  }
}
