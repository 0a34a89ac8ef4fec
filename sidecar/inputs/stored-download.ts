import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { type StoredFile, sizeProblem } from '../../src/result-format/stored-form.ts'
import { writeAt } from '../../src/store/folder/folder-files.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import type { Download } from './http-download.ts'
import { InputError } from './input-error.ts'

/** A job's result in the store. */
export interface StoredResult {
  store: ArtifactStore
  uuid: string
  attempt: string
}

/**
 * A file of a result on its way to an open file. After a cut, attempt() goes on where it stopped:
 * the ETag says that the object is the same.
 */
export class StoredDownload implements Download {
  readonly #result: StoredResult
  readonly #stored: StoredFile & { size: number }
  readonly #file: FileHandle
  readonly #hash: Hash = createHash('sha256')
  #bytes = 0
  readonly etag = undefined

  constructor(result: StoredResult, stored: StoredFile & { size: number }, file: FileHandle) {
    this.#result = result
    this.#stored = stored
    this.#file = file
  }

  get bytes(): number {
    return this.#bytes
  }

  digest(): string {
    return this.#stored.sha256
  }

  /**
   * Resolves once the file is whole and has the manifest's SHA-256. Rejects with StoreError, with
   * InputError for other bytes, and with errors of the file system.
   */
  async attempt(signal: AbortSignal): Promise<void> {
    const { store, uuid, attempt } = this.#result
    const { key, offset = 0, etag, size } = this.#stored
    if (this.#bytes < size) {
      const range = { offset: offset + this.#bytes, length: size - this.#bytes }
      const body = await store.get(jobKeys.file(uuid, attempt, key), { ...range, ifMatch: etag, signal })
      try {
        const problem = sizeProblem({ ...this.#stored, type: 'file' }, body.size)
        if (problem !== undefined) throw new InputError('InputInvalid', problem)
        for await (const chunk of body.stream as AsyncIterable<Buffer>) await this.#write(chunk)
      } finally {
        body.stream.destroy()
      }
    }
    const sha256 = this.#hash.digest('hex')
    if (sha256 === this.#stored.sha256) return
    throw new InputError('InputInvalid', `its SHA-256 in the store is ${sha256}, not that of its manifest`)
  }

  async #write(chunk: Buffer): Promise<void> {
    await writeAt(this.#file, chunk, this.#bytes)
    this.#hash.update(chunk)
    this.#bytes += chunk.length
  }
}
