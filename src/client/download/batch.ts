import { createHash } from 'node:crypto'
import { JobferryError } from '../errors.ts'
import { bodyOf } from '../http/body.ts'
import { queryValue } from '../results/entry-path.ts'
import { filesOfTar } from '../results/tar-files.ts'
import type { Fetching, WantedFile } from './wanted-file.ts'
import { writeFileWhole } from './write-file.ts'

/** Files of up to this size come together in tars: a request for each would take most of the time. */
const smallBytes = 256 * 1024
const batchBytes = 4 * 2 ** 20
const batchFiles = 500
/** The API takes request headers of 16 KiB, the address included. */
const addressBytes = 12 * 1024

/** Collects small files for one request. */
export class Batch {
  #files: WantedFile[] = []
  #bytes = 0
  #addressBytes = 0

  static takes({ size }: WantedFile): boolean {
    return size <= smallBytes
  }

  add(file: WantedFile): void {
    this.#files.push(file)
    this.#bytes += file.size
    this.#addressBytes += queryValue(file.path).length + '&file='.length
  }

  get isFull(): boolean {
    const isLong = this.#addressBytes >= addressBytes / 2
    return isLong || this.#files.length >= batchFiles || this.#bytes >= batchBytes
  }

  /** The collected files; the batch is empty then. */
  take(): WantedFile[] {
    const files = this.#files
    this.#files = []
    this.#bytes = 0
    this.#addressBytes = 0
    return files
  }
}

/**
 * Fetches small files by one request, and resolves with those that did not come or came with other
 * bytes, which the caller fetches one by one. `done` is called for each file that is whole.
 */
export async function fetchBatch(
  { transport, id, folder, soFar, signal, received }: Fetching,
  files: readonly WantedFile[],
  done: () => void,
): Promise<WantedFile[]> {
  const missing = new Map(files.map((file) => [file.path.toString('latin1'), file]))
  const query = files.map(({ path }) => `file=${queryValue(path)}`).join('&')
  const url = `/job/${encodeURIComponent(id)}/result?${query}&format=tar${soFar ? '&so_far=true' : ''}`
  if (url.length > addressBytes || files.length === 1) return [...files]
  try {
    const response = await transport.request(url, { signal })
    for await (const { path, bytes } of filesOfTar(bodyOf(response, signal), smallBytes)) {
      const key = path.toString('latin1')
      const file = missing.get(key)
      if (file === undefined || createHash('sha256').update(bytes).digest('hex') !== file.sha256) continue
      await writeFileWhole(folder, file, bytes)
      missing.delete(key)
      received(bytes.length)
      done()
    }
  } catch (error) {
    signal.throwIfAborted()
    // The requests for single files will show the error.
    if (!(error instanceof JobferryError)) throw error
  }
  return [...missing.values()]
}
