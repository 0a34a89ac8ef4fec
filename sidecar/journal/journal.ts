import { closeSync, openSync, writeSync } from 'node:fs'
import type { JournalLine } from './line.ts'

const flushAtLength = 32 * 1024
/** After a kill, files whose lines were not written are sent again. */
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
    // With a slow store the next line may come much later.
    else this.#flushing ??= setTimeout(() => this.#flushQuietly(), flushEveryMs)
  }

  /** Writes the appended lines. Returns the file's length, which is the end of a line. */
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

  /** The next caller of flush() gets the error. */
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
