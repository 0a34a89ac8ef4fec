import { createHash, randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { inputConflicts } from '../../job/inputs/input-conflicts.ts'
import type { SourceLine, SourceSettings } from '../../job/inputs/input-list.ts'
import { inputPathExpected, inputPathProblem } from '../../job/inputs/input-name.ts'
import { placeOf } from '../../job/inputs/input-place.ts'
import type { InputRequest } from '../../job/inputs/input-schema.ts'
import { fileKey } from '../../result-format/file-keys.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { putStream, TooLargeError } from '../../store/put-stream.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { invalid, invalidFields, Problem } from '../../util/errors.ts'
import { translateStoreErrors } from '../translate-store-errors.ts'
import type { StoredInput } from './stored-inputs.ts'

export interface ReceivedInput {
  name: string
  size: number
  sha256: string
  key: string
  etag: string
}

export interface InputOptions {
  store: ArtifactStore
  uuid: string
  /** Of all inputs together. */
  maxBytes: number
  /** Inputs are hashed and not stored. */
  hashOnly: boolean
}

/**
 * The inputs of one creation, stored as they arrive, their list last. Each creation has a folder of
 * its own, and its list is named by its digest: a creation with the same Idempotency-Key in another
 * replica can't overwrite the inputs that the first one's Job refers to.
 */
export class Inputs {
  readonly received: ReceivedInput[] = []
  readonly #contents: ReceivedInput[] = []
  readonly #options: InputOptions
  readonly #names = new Set<string>()
  /** Of the received inputs. */
  readonly #folders = new Set<string>()
  readonly #stored: string[] = []
  readonly #folder = randomBytes(8).toString('hex')
  #bytes = 0

  constructor(options: InputOptions) {
    this.#options = options
  }

  /** As Deployment.receiveInput. */
  async receive(name: string, stream: Readable): Promise<void> {
    const { store, maxBytes, hashOnly } = this.#options
    this.#checkPlace(name)
    this.#names.add(name)
    const limit = maxBytes - this.#bytes
    const { key, at } = this.#keyOf(name)
    if (!hashOnly) this.#stored.push(at)
    try {
      const { size, sha256, etag } = hashOnly
        ? { ...(await hashOf(stream, limit)), etag: '' }
        : await putStream(store, at, stream, { maxBytes: limit })
      this.#bytes += size
      this.received.push({ name, size, sha256, key, etag })
    } catch (error) {
      throw error instanceof TooLargeError ? tooLarge(maxBytes) : error
    }
  }

  /** Throws Problem `invalid-request`; notes the folders of the path. */
  #checkPlace(path: string): void {
    const problem = inputPathProblem(path)
    if (problem !== undefined) throw invalid('input', problem, inputPathExpected)
    if (this.#names.has(path))
      throw invalid('input', `the name ${JSON.stringify(path)} was given twice`, 'different file names')
    const folders = [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index))
    if (this.#folders.has(path) || folders.some((folder) => this.#names.has(folder)))
      throw invalid('input', `${JSON.stringify(path)} is a file and a folder`, 'different file names')
    for (const folder of folders) this.#folders.add(folder)
  }

  /** Takes an input that another job had, byte for byte. Rejects with Problem `inputs-changed` and as `open`. */
  async take(
    { path: name, size, sha256 }: StoredInput,
    open: () => Promise<Readable>,
    changed: () => Problem,
  ): Promise<void> {
    const { store, maxBytes, hashOnly } = this.#options
    this.#names.add(name)
    this.#bytes += size
    if (this.#bytes > maxBytes) throw tooLarge(maxBytes)
    const { key, at } = this.#keyOf(name)
    if (hashOnly) return void this.received.push({ name, size, sha256, key, etag: '' })
    this.#stored.push(at)
    const put = await putStream(store, at, await open())
    if (put.sha256 !== sha256 || put.size !== size) throw changed()
    this.received.push({ name, size, sha256, key, etag: put.etag })
  }

  /**
   * Stores the contents that the request itself has, then the list for the uploader, which begins
   * with `sources`; resolves with the list's hex SHA-256, undefined without inputs. Rejects with a
   * Problem that names each input that has the place of a received one, and with the store's errors.
   */
  async storeAll(
    inputs: readonly InputRequest[],
    sources: readonly (SourceSettings | SourceLine)[],
  ): Promise<string | undefined> {
    const errors = [...inputConflicts(inputs, [...this.#names])]
    if (errors.length > 0) throw invalidFields(errors)
    await translateStoreErrors(() => this.#storeContents(inputs))
    return await this.#storeList(sources)
  }

  async #storeContents(inputs: readonly InputRequest[]): Promise<void> {
    for (const input of inputs) {
      const { content } = input
      if (content === undefined) continue
      const name = placeOf(input)
      const bytes = Buffer.from(content)
      const { key, at } = this.#keyOf(name)
      this.#stored.push(at)
      const { etag } = await this.#options.store.put(at, bytes)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      this.#contents.push({ name, size: bytes.length, sha256, key, etag })
    }
  }

  async #storeList(sources: readonly (SourceSettings | SourceLine)[]): Promise<string | undefined> {
    const files = [...this.received, ...this.#contents]
      .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
      .map(({ name, ...rest }) => ({ path: name, type: 'file', ...rest }))
    if (files.length + sources.length === 0) return undefined
    // Without files nothing else would tell this list from that of a creation of the same request,
    // whose job needs its list when this creation removes its own.
    const own = sources.map((line) => (line.type === 'settings' ? { ...line, creation: this.#folder } : line))
    const list = Buffer.from([...own, ...files].map((line) => `${JSON.stringify(line)}\n`).join(''))
    const sha256 = createHash('sha256').update(list).digest('hex')
    const at = jobKeys.inputList(this.#options.uuid, sha256)
    this.#stored.push(at)
    await this.#options.store.put(at, list)
    return sha256
  }

  #keyOf(path: string): { key: string; at: string } {
    const key = `${this.#folder}/${fileKey(Buffer.from(path))}`
    return { key, at: jobKeys.input(this.#options.uuid, key) }
  }

  /** Removes the stored inputs and their list. */
  async remove(): Promise<void> {
    if (this.#stored.length > 0) await this.#options.store.remove(this.#stored)
  }
}

function tooLarge(maxBytes: number): Problem {
  const detail = `input: the files have more than ${maxBytes} bytes in all (INPUT_MAX_BYTES)`
  const expected = `at most ${maxBytes} bytes in all`
  return new Problem('too-large', detail, { errors: [{ field: 'input', problem: 'too large', expected }] })
}

async function hashOf(stream: Readable, limit: number): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of stream) {
    size += (chunk as Buffer).length
    if (size > limit) throw new TooLargeError('an input', limit)
    hash.update(chunk as Buffer)
  }
  return { size, sha256: hash.digest('hex') }
}
