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
  #flushing: NodeJS.Timeout | undefined
  #failure: { error: unknown } | undefined

  constructor(file: string) {
    this.file = file
    this.#fd = openSync(file, 'w')
  }

  append(line: JournalLine): void {
    this.#text += `${JSON.stringify(line)}\n`
    if (this.#text.length >= flushAtLength || this.#failure !== undefined) this.flush()
    // By itself: where the store is slow, the next line may be long in coming.
    else this.#flushing ??= setTimeout(() => this.#flushQuietly(), flushEveryMs)
  }

  /** Writes what was appended; gives the file's length, which is a line's end. */
  flush(): number {
    clearTimeout(this.#flushing)
    this.#flushing = undefined
    if (this.#failure !== undefined) throw this.#failure.error
    const bytes = Buffer.from(this.#text, 'utf8')
    this.#text = ''
    for (let written = 0; written < bytes.length; ) {
      const more = writeSync(this.#fd, bytes, written, bytes.length - written, this.#length)
      written += more
      this.#length += more
    }
    return this.#length
  }

  /** What fails here, the next caller of flush() is told. */
  #flushQuietly(): void {
    try {
      this.flush()
    } catch (error) {
      this.#failure = { error }
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#flushing)
    closeSync(this.#fd)
  }
}
