import { closeSync, openSync, writeSync } from 'node:fs'
import type { JournalLine } from './line.ts'

const flushAtLength = 32 * 1024
/** What isn't written yet is sent once more after a kill. */
const flushEveryMs = 250

/** A journal being written. */
export class Journal implements Disposable {
  readonly file: string
  readonly #fd: number
  #text = ''
  #length = 0
  #flushedAt = performance.now()

  constructor(file: string) {
    this.file = file
    this.#fd = openSync(file, 'w')
  }

  append(line: JournalLine): void {
    this.#text += `${JSON.stringify(line)}\n`
    if (this.#text.length >= flushAtLength || performance.now() - this.#flushedAt > flushEveryMs) this.flush()
  }

  /** Writes what was appended; gives the file's length, which is a line's end. */
  flush(): number {
    const bytes = Buffer.from(this.#text, 'utf8')
    this.#text = ''
    for (let written = 0; written < bytes.length; ) {
      const more = writeSync(this.#fd, bytes, written, bytes.length - written, this.#length)
      written += more
      this.#length += more
    }
    this.#flushedAt = performance.now()
    return this.#length
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}
