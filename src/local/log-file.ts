import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

export interface LogFileOptions {
  tail?: number | undefined
  /** Goes on until this says that nothing more will be written. */
  isComplete?: (() => boolean) | undefined
  signal?: AbortSignal | undefined
}

const blockBytes = 64 * 1024
const pollMilliseconds = 150

/** A log file as a stream, or undefined where there is none. */
export async function openLog(path: string, options: LogFileOptions): Promise<Readable | undefined> {
  const { tail } = options
  let start = 0
  try {
    const file = await open(path, 'r')
    try {
      if (tail !== undefined) start = await startOfLastLines(file, tail)
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return Readable.from(read(path, start, options), { objectMode: false })
}

/** Opens the file itself: what is never read from would never be closed. */
async function* read(
  path: string,
  start: number,
  { isComplete, signal }: LogFileOptions,
): AsyncGenerator<Buffer> {
  const file = await open(path, 'r')
  try {
    let position = start
    for (;;) {
      signal?.throwIfAborted()
      // Asked before the end of the file is looked for: what is written in between is still read.
      const last = isComplete === undefined || isComplete()
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(blockBytes), 0, blockBytes, position)
        if (bytesRead === 0) break
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
      if (last) return
      await delay(pollMilliseconds, undefined, signal ? { signal } : {})
    }
  } finally {
    await file.close()
  }
}

/** Where the last `lines` lines begin; a last line without its end counts. */
async function startOfLastLines(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  if (lines <= 0) return size
  const block = Buffer.alloc(blockBytes)
  let missing = lines
  for (let end = size; end > 0; ) {
    const begin = Math.max(0, end - blockBytes)
    const { bytesRead } = await file.read(block, 0, end - begin, begin)
    for (let at = bytesRead - 1; at >= 0; at--) {
      const endsTheFile = begin + at === size - 1
      if (block[at] === 0x0a && !endsTheFile && --missing === 0) return begin + at + 1
    }
    end = begin
  }
  return 0
}
