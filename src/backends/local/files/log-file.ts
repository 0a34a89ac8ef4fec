import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { codeOf } from '../../../util/error-code.ts'
import { defined } from '../../../util/objects.ts'
import { openRegular } from './open-regular.ts'

export interface LogFileOptions {
  tail?: number | undefined
  /** With it, the stream follows the file until this returns true: nothing more will be written. */
  isComplete?: (() => boolean) | undefined
  signal?: AbortSignal | undefined
}

const blockBytes = 64 * 1024
const pollMilliseconds = 150

/** A log file as a stream; undefined if there is none. */
export async function openLogFile(path: string, options: LogFileOptions): Promise<Readable | undefined> {
  const { tail } = options
  let start = 0
  try {
    const file = await openRegular(path)
    try {
      if (tail !== undefined) start = await startOfLastLines(file, tail)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  return Readable.from(read(path, start, options), { objectMode: false })
}

/** Opens the file only when it is read: a stream that nobody reads would leave it open. */
async function* read(
  path: string,
  start: number,
  { isComplete, signal }: LogFileOptions,
): AsyncGenerator<Buffer> {
  const file = await openRegular(path)
  try {
    let position = start
    for (;;) {
      signal?.throwIfAborted()
      // Before reading to the end of the file, so that nothing written in between is missed.
      const last = isComplete === undefined || isComplete()
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(blockBytes), 0, blockBytes, position)
        if (bytesRead === 0) break
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
      if (last) return
      await delay(pollMilliseconds, undefined, defined({ signal }))
    }
  } finally {
    await file.close()
  }
}

/** The offset of the last `lines` lines; an unfinished last line counts. */
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
