import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { writeAt } from '../../src/store/folder/folder-files.ts'
import type { HttpGet } from './http-get.ts'

/** An answer that has no file: its status is neither 200 nor 206. */
export class BadStatus extends Error {
  readonly status: number

  /** `word`: the server's own for the problem. */
  constructor(status: number, word?: string) {
    const more = word ?? (status < 400 ? 'a redirect that leads nowhere' : undefined)
    super(`it answered ${status}${more === undefined ? '' : `, ${more}`}`)
    this.status = status
  }
}

/** A file on its way to an open file. */
export interface Download {
  /** Received so far. */
  readonly bytes: number
  /** A strong one of the source; undefined without one. */
  readonly etag: string | undefined
  /** Resolves when the file is whole; may be called again after a failure. */
  attempt(signal: AbortSignal): Promise<void>
  /** Once, when the file is whole: its hex SHA-256. */
  digest(): string
}

/**
 * A file of an HTTP server on its way to an open file. After a cut, attempt() goes on where it
 * stopped if the server has a strong ETag and the file still has it, else from the start.
 */
export class HttpDownload implements Download {
  readonly #get: HttpGet
  readonly #url: string
  readonly #file: FileHandle
  #hash: Hash = createHash('sha256')
  #bytes = 0
  #etag: string | undefined

  constructor(get: HttpGet, url: string, file: FileHandle) {
    this.#get = get
    this.#url = url
    this.#file = file
  }

  /** Received so far. */
  get bytes(): number {
    return this.#bytes
  }

  get etag(): string | undefined {
    return this.#etag
  }

  /** Once, when the file is whole: its hex SHA-256. */
  digest(): string {
    return this.#hash.digest('hex')
  }

  /**
   * One request. Resolves when the file is whole. Rejects with BadStatus, OutgoingError, errors of
   * the connection and of the file system.
   */
  async attempt(signal: AbortSignal): Promise<void> {
    const resuming: Record<string, string> =
      this.#bytes > 0 && this.#etag !== undefined
        ? { range: `bytes=${this.#bytes}-`, 'if-range': this.#etag }
        : {}
    const answer = await this.#get(this.#url, resuming, signal)
    try {
      const total = await this.#begin(answer)
      for await (const chunk of answer as AsyncIterable<Buffer>) await this.#write(chunk)
      if (total !== undefined && this.#bytes !== total) {
        throw new Error(`the connection ended after ${this.#bytes} of ${total} bytes`)
      }
    } finally {
      answer.destroy()
    }
  }

  /** The whole file's size, if the answer says it. */
  async #begin(answer: IncomingMessage): Promise<number | undefined> {
    const { statusCode: status = 0, headers } = answer
    if (status === 206) return await this.#beginRange(headers)
    if (status === 416 && this.#bytes > 0) {
      await this.#restart()
      throw new Error('the file is shorter than it was')
    }
    if (status !== 200) throw new BadStatus(status)
    await this.#restart()
    this.#etag = strongEtag(headers.etag)
    const length = headers['content-length']
    return length === undefined ? undefined : Number(length)
  }

  async #beginRange(headers: IncomingMessage['headers']): Promise<number | undefined> {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
    const { etag } = headers
    const isOurs = Number(range?.[1]) === this.#bytes && (etag === undefined || etag === this.#etag)
    if (range === null || !isOurs) {
      // A server that ignores If-Range would mix two versions of the file.
      await this.#restart()
      throw new Error('the file changed, or the server sent another part of it than was asked for')
    }
    return range[2] === '*' ? undefined : Number(range[2])
  }

  async #restart(): Promise<void> {
    this.#bytes = 0
    this.#etag = undefined
    this.#hash = createHash('sha256')
    await this.#file.truncate(0)
  }

  async #write(chunk: Buffer): Promise<void> {
    await writeAt(this.#file, chunk, this.#bytes)
    this.#hash.update(chunk)
    this.#bytes += chunk.length
  }
}

/** RFC 9110, 8.8.3: only a strong one says that the bytes are the same. */
function strongEtag(etag: string | undefined): string | undefined {
  return etag?.startsWith('"') ? etag : undefined
}
