import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { pathBytes } from '../../src/result-format/entry.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { StoreError } from '../../src/store/store.ts'
import { BrokenLines, flatten, lineBatches } from '../../src/util/lines.ts'
import { parseJsonObject } from '../../src/util/objects.ts'

/** What the manifest of an earlier delivery says of a file. */
export interface EarlierFile {
  key: string
  size: number
  sha256: string
  etag: string
}

type Line = Partial<EarlierFile> & { path?: string; path_base64?: string }

/**
 * The manifest that an earlier delivery of the job left at the target. It is read from a local
 * copy, in step with the result's own: both are sorted by path.
 */
export class EarlierDelivery {
  readonly #lines: AsyncIterator<string>
  #next: Line | undefined

  private constructor(lines: AsyncIterable<string>) {
    this.#lines = lines[Symbol.asyncIterator]()
  }

  /** Undefined if there is none, or none that the target's keys may read. Rejects with StoreError. */
  static async open(store: ArtifactStore, key: string, copy: string): Promise<EarlierDelivery | undefined> {
    try {
      const { stream } = await store.get(key)
      await pipeline(stream, createWriteStream(copy))
    } catch (error) {
      if (error instanceof StoreError && ['not-found', 'denied'].includes(error.kind)) return undefined
      throw error
    }
    return new EarlierDelivery(flatten(lineBatches(createReadStream(copy))))
  }

  /** Paths must come in their order. */
  async find(path: Buffer): Promise<EarlierFile | undefined> {
    for (;;) {
      this.#next ??= await this.#read()
      if (this.#next === undefined) return undefined
      const order = Buffer.compare(pathBytes(this.#next), path)
      if (order > 0) return undefined
      const { key, size, sha256, etag } = this.#next
      this.#next = undefined
      if (order < 0) continue
      return key && sha256 && etag && size !== undefined ? { key, size, sha256, etag } : undefined
    }
  }

  /** A copy that ends early, or has other lines, has nothing more to say. */
  async #read(): Promise<Line | undefined> {
    try {
      for (;;) {
        const { value, done } = await this.#lines.next()
        if (done) return undefined
        const line = parseJsonObject(value)
        if (line === undefined || !isLine(line)) return undefined
        if (line.path !== undefined || line.path_base64 !== undefined) return line
      }
    } catch (error) {
      if (error instanceof BrokenLines) return undefined
      throw error
    }
  }
}

/** Others may write at the target, too. */
function isLine(line: Record<string, unknown>): line is Line {
  const texts = [line.path, line.path_base64, line.key, line.sha256, line.etag]
  return (
    texts.every((text) => text === undefined || typeof text === 'string') &&
    (line.size === undefined || typeof line.size === 'number')
  )
}
