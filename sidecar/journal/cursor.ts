import { closeSync, openSync, readSync } from 'node:fs'
import { pathBytes } from '../../src/result-format/entry.ts'
import { type BytePath, toBytePath } from '../scan/byte-path.ts'
import { isGone, type JournalLine } from './line.ts'

export interface LineAtPath {
  path: BytePath
  line: JournalLine
}

const chunkBytes = 64 * 1024
const newline = 0x0a

/**
 * Reads a journal line by line, or its bytes from `start` to `end`. A line that was cut off by a
 * kill is skipped: the next scan finds its path again. A missing file has no lines. Synchronous: it
 * is read beside a scan, from the page cache.
 */
export class Cursor implements Disposable {
  readonly #fd: number | undefined
  readonly #end: number
  #position: number
  #rest = Buffer.alloc(0)
  #lines: string[] = []
  #next = 0
  #peeked: LineAtPath | undefined

  constructor(file: string, start = 0, end = Number.POSITIVE_INFINITY) {
    this.#fd = openIfThere(file)
    this.#position = start
    this.#end = end
  }

  /** The line that next() gives; undefined at the end. */
  peek(): LineAtPath | undefined {
    this.#peeked ??= this.#read()
    return this.#peeked
  }

  next(): LineAtPath | undefined {
    const placed = this.peek()
    this.#peeked = undefined
    return placed
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
  }

  #read(): LineAtPath | undefined {
    for (;;) {
      const text = this.#lines[this.#next]
      if (text !== undefined) {
        this.#next += 1
        const placed = parse(text)
        if (placed !== undefined) return placed
      } else if (!this.#readChunk()) return undefined
    }
  }

  #readChunk(): boolean {
    if (this.#fd === undefined) return false
    const length = Math.min(chunkBytes, this.#end - this.#position)
    if (length <= 0) return false
    const chunk = Buffer.allocUnsafe(length)
    const bytesRead = readSync(this.#fd, chunk, 0, length, this.#position)
    if (bytesRead === 0) return false
    this.#position += bytesRead
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, bytesRead)])
    const end = bytes.lastIndexOf(newline)
    this.#rest = bytes.subarray(end + 1)
    this.#lines = end === -1 ? [] : bytes.toString('utf8', 0, end).split('\n')
    this.#next = 0
    return true
  }
}

function parse(text: string): LineAtPath | undefined {
  try {
    const line = JSON.parse(text) as JournalLine
    return { path: toBytePath(pathBytes(isGone(line) ? line.gone : line.entry)), line }
  } catch {
    return undefined
  }
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
