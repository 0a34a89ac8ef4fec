import { endOfTar, padding } from '../../src/artifact/tar-header.ts'

/** What a pack takes at most: it is sent by one request, and memory has some that fill or are on their way. */
export const packBytes = 4 * 1024 * 1024
/** So many files wait for one request, however small they are. */
const maxMembers = 1024

/** A tar that is being made in a buffer. */
export class Pack {
  readonly #buffer: Buffer
  #length = 0
  #members = 0

  /** The buffer has `packBytes`. */
  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  get members(): number {
    return this.#members
  }

  hasRoomFor(header: Buffer, size: number): boolean {
    const needed = header.length + size + padding(size).length + endOfTar.length
    return this.#members < maxMembers && this.#length + needed <= this.#buffer.length
  }

  /** Where the content of a file behind such a header comes, to be filled in; it counts only once it is added. */
  roomFor(header: Buffer, size: number): Buffer {
    const start = this.#length + header.length
    return this.#buffer.subarray(start, start + size)
  }

  /** Adds the file whose content stands in roomFor(); gives the content's first byte in the tar. */
  add(header: Buffer, size: number): number {
    header.copy(this.#buffer, this.#length)
    const offset = this.#length + header.length
    const end = offset + size
    this.#length = end + padding(size).length
    // The buffer was used before.
    this.#buffer.fill(0, end, this.#length)
    this.#members += 1
    return offset
  }

  /** The whole tar. */
  finish(): Buffer {
    endOfTar.copy(this.#buffer, this.#length)
    return this.#buffer.subarray(0, this.#length + endOfTar.length)
  }
}
