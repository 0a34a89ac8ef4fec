import { createHash, type Hash } from 'node:crypto'
import type { Sink } from '../../../util/sink.ts'

/** A file that is sent whole, its last chunk only if its SHA-256 is right. */
export interface CheckedFile {
  /** Equal for the same bytes. */
  id: string
  size: number
  /** Writes the bytes from `start` on to the sink. */
  read(start: number, sink: Sink, signal?: AbortSignal): Promise<void>
  /** Throws if the file's SHA-256 is another one than `actual`, in hex. */
  check(actual: string): void
}

/** The rest of a file from `start` on, and the digest of the bytes before it. */
export interface Remainder {
  start: number
  digest: Hash
}

export function fromStart(): Remainder {
  return { start: 0, digest: createHash('sha256') }
}

/** Writes the rest of a file to the sink, the last chunk only if the whole SHA-256 is right. */
export async function sendChecked(
  file: CheckedFile,
  { start, digest }: Remainder,
  sink: Sink,
  signal?: AbortSignal,
): Promise<void> {
  let left = file.size - start
  const checkedSink: Sink = async (chunk) => {
    digest.update(chunk)
    left -= chunk.length
    if (left === 0) file.check(digest.digest('hex'))
    await sink(chunk)
  }
  await file.read(start, checkedSink, signal)
}
