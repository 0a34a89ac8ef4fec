import { createHash, randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { fileKey } from '../artifact/keys.ts'
import { layout } from '../artifact/layout.ts'
import { putStream, TooLargeError } from '../artifact/put-stream.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import { invalid, Problem } from '../errors.ts'

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
  /** Of all of them. */
  maxBytes: number
  /** They are not to be stored. */
  hashOnly: boolean
}

/**
 * The inputs of one creation: into the store as they come, their list last. Each creation has a folder of its own,
 * and its list is called by its digest: of several that another process makes with the same Idempotency-Key, none
 * can touch what the Job of the first one refers to.
 */
export class Inputs {
  readonly received: ReceivedInput[] = []
  readonly #options: InputOptions
  readonly #names = new Set<string>()
  readonly #stored: string[] = []
  readonly #folder = randomBytes(8).toString('hex')
  #bytes = 0

  constructor(options: InputOptions) {
    this.#options = options
  }

  /** As Deployment.receiveInput. */
  async receive(name: string, stream: Readable): Promise<void> {
    const { store, uuid, maxBytes, hashOnly } = this.#options
    checkInputName(name)
    if (this.#names.has(name))
      throw invalid('input', `the name ${JSON.stringify(name)} was given twice`, 'different file names')
    this.#names.add(name)
    const limit = maxBytes - this.#bytes
    const key = `${this.#folder}/${fileKey(Buffer.from(name))}`
    const at = layout.input(uuid, key)
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

  /** Stores the list, by which the uploader knows them; resolves with its hex SHA-256. */
  async storeList(): Promise<string | undefined> {
    if (this.received.length === 0) return undefined
    const list = Buffer.from(
      [...this.received]
        .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
        .map(({ name, ...rest }) => `${JSON.stringify({ path: name, type: 'file', ...rest })}\n`)
        .join(''),
    )
    const sha256 = createHash('sha256').update(list).digest('hex')
    const at = layout.inputList(this.#options.uuid, sha256)
    this.#stored.push(at)
    await this.#options.store.put(at, list)
    return sha256
  }

  /** Removes what was stored. */
  async remove(): Promise<void> {
    if (this.#stored.length > 0) await this.#options.store.remove(this.#stored)
  }
}

function tooLarge(maxBytes: number): Problem {
  const detail = `input: the files have more than ${maxBytes} bytes in all (INPUT_MAX_BYTES)`
  const expected = `at most ${maxBytes} bytes in all`
  return new Problem('too-large', detail, { errors: [{ field: 'input', problem: 'too large', expected }] })
}

/** A name becomes a file of `/input`: one component, nothing that a shell or a listing would stumble over. */
function checkInputName(name: string): void {
  const expected = 'a file name of 1 to 255 bytes without "/", control characters, "." or ".."'
  const shown = JSON.stringify(name)
  if (name === '' || name === '.' || name === '..' || name.includes('/') || Buffer.byteLength(name) > 255) {
    throw invalid('input', `${shown} is no safe file name`, expected)
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) throw invalid('input', `${shown} has control characters`, expected)
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
