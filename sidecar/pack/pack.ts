import { endOfTar, padding } from '../../src/result-format/tar-header.ts'

/** The size of a pack: it is sent by one request, and several are in memory at once. */
export const packBytes = 4 * 1024 * 1024
/** Upper bound for the files that wait for one request. */
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

  /** The place for the content of a file behind its header; the file counts only after add(). */
  roomFor(header: Buffer, size: number): Buffer {
    const start = this.#length + header.length
    return this.#buffer.subarray(start, start + size)
  }

  /**
   * Adds the file whose content was filled into roomFor(). Returns the offset of the content in the
   * tar.
   */
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
