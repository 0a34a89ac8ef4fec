import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { type Chunk, chunkBytes, chunkCount, missingChunks } from './chunks.ts'

/**
 * A file that is being read, in chunks of any order. Behind the file's own bytes stand the SHA-256
 * that it must have and a byte for each chunk that is whole: a later process goes on from there.
 */
export class PartFile {
  readonly #file: FileHandle
  readonly #size: number
  readonly #done: Uint8Array
  readonly #hash: Hash = createHash('sha256')
  /** Number of chunks in the hash, which takes them in order while others are still read. */
  #hashed = 0
  #hashing: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle, size: number, done: Uint8Array) {
    this.#file = file
    this.#size = size
    this.#done = done
  }

  /** Goes on with the file at `path` if it is a part of the same bytes. */
  static async open(path: string, size: number, sha256: string): Promise<PartFile> {
    const file = await open(path, 'a+', 0o600).then(async (created) => {
      await created.close()
      return await open(path, 'r+')
    })
    try {
      const head = Buffer.from(sha256, 'latin1')
      const count = chunkCount(size)
      const trailer = Buffer.alloc(head.length + count)
      const { size: present } = await file.stat()
      if (present === size + trailer.length) await file.read(trailer, 0, trailer.length, size)
      if (!trailer.subarray(0, head.length).equals(head)) {
        trailer.fill(0)
        head.copy(trailer)
        await file.truncate(0)
        await file.write(trailer, 0, trailer.length, size)
      }
      return new PartFile(file, size, trailer.subarray(head.length))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  missing(): Chunk[] {
    return missingChunks(this.#size, this.#done)
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        written,
        bytes.length - written,
        position + written,
      )
      written += bytesWritten
    }
  }

  /** All bytes of the chunk are written. */
  async finish({ index }: Chunk): Promise<void> {
    await this.#file.write(Buffer.of(1), 0, 1, this.#size + 64 + index)
    this.#done[index] = 1
    this.#hashing = this.#hashing.then(() => this.#hashOn())
    // digest() rejects with the same error.
    this.#hashing.catch(() => {})
  }

  /** The hex SHA-256 of all bytes, which must be there. */
  async digest(): Promise<string> {
    await this.#hashing
    await this.#hashOn()
    return this.#hash.digest('hex')
  }

  /** Cuts the digest and the chunk map behind the file's own bytes. */
  async complete(mode: number, mtime: number | undefined): Promise<void> {
    await this.#file.truncate(this.#size)
    await this.#file.chmod(mode)
    if (mtime !== undefined) await this.#file.utimes(mtime, mtime)
  }

  async close(): Promise<void> {
    await this.#hashing.catch(() => {})
    await this.#file.close()
  }

  async #hashOn(): Promise<void> {
    const buffer = Buffer.allocUnsafe(1024 * 1024)
    while (this.#done[this.#hashed] === 1) {
      const end = Math.min(this.#size, (this.#hashed + 1) * chunkBytes)
      for (let at = this.#hashed * chunkBytes; at < end; ) {
        const { bytesRead } = await this.#file.read(buffer, 0, Math.min(buffer.length, end - at), at)
        if (bytesRead === 0) throw new Error('a part became shorter while it was read')
        this.#hash.update(buffer.subarray(0, bytesRead))
        at += bytesRead
      }
      this.#hashed += 1
    }
  }
}
