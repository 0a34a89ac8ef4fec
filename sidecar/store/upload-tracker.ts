import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { ArtifactStore, MultipartUpload } from '../../src/store/store.ts'
import { isDiskFull } from '../../src/util/error-code.ts'
import type { Log } from '../../src/util/log.ts'
import type { StateDirectory } from '../state-directory.ts'

type OpenUpload = Pick<MultipartUpload, 'key' | 'id'>

/**
 * The open uploads in parts, in a file that outlives the program: after a kill the next program
 * aborts them. Each checkpoint has list() too, in case no program follows.
 */
export class UploadTracker {
  readonly #file: string
  readonly #open = new Map<string, OpenUpload>()
  readonly #leftOver: OpenUpload[]
  readonly #resumed: boolean
  #listener: () => void = () => undefined

  constructor(state: StateDirectory) {
    this.#file = state.path(fileName)
    this.#resumed = existsSync(this.#file)
    // Before any upload: the program may be killed before it gets the answer to its first one.
    if (!this.#resumed) writeFileSync(this.#file, '')
    for (const line of readLines(this.#file)) {
      if (line.open) this.#open.set(line.id, { key: line.key, id: line.id })
      else this.#open.delete(line.id)
    }
    this.#leftOver = this.list()
  }

  list(): OpenUpload[] {
    return [...this.#open.values()]
  }

  /** Calls `listener` whenever an upload is opened. */
  onOpened(listener: () => void): void {
    this.#listener = listener
  }

  /** The store; every upload that it opens or closes is written to the file. */
  tracked(store: ArtifactStore): ArtifactStore {
    return {
      ...store,
      createUpload: async (key, partSize, signal) => {
        // The program before may have been killed between opening an upload and writing it down.
        if (this.#resumed) await store.abortUploads(key, signal)
        const upload = await store.createUpload(key, partSize, signal)
        this.#opened(upload)
        return upload
      },
      completeUpload: async (upload, parts, signal, options) => {
        const object = await store.completeUpload(upload, parts, signal, options)
        this.#closed(upload)
        return object
      },
      abortUpload: async (upload, signal) => {
        const dropped = await store.abortUpload(upload, signal)
        this.#closed(upload)
        return dropped
      },
    }
  }

  #opened({ key, id }: OpenUpload): void {
    this.#open.set(id, { key, id })
    this.#append({ open: true, key, id })
    this.#listener()
  }

  #closed({ key, id }: OpenUpload): void {
    this.#open.delete(id)
    this.#append({ open: false, key, id })
  }

  /**
   * The newline in front ends a line that was cut off: otherwise both would be lost. On a full disk
   * the line is dropped: checkpoints name the upload too.
   */
  #append(line: { open: boolean; key: string; id: string }): void {
    try {
      appendFileSync(this.#file, `\n${JSON.stringify(line)}\n`)
    } catch (error) {
      if (!isDiskFull(error)) throw error
    }
  }

  /** Aborts the uploads of a killed program; an upload that can't be aborted stays in the list. */
  abortLeftOver(store: ArtifactStore, log: Log, signal: AbortSignal): Promise<void> {
    return this.#abort(this.#leftOver, store, log, signal)
  }

  /** Aborts all; to be called when no upload is in flight. */
  abortAll(store: ArtifactStore, log: Log, signal: AbortSignal): Promise<void> {
    return this.#abort(this.list(), store, log, signal)
  }

  async #abort(uploads: OpenUpload[], store: ArtifactStore, log: Log, signal: AbortSignal): Promise<void> {
    await Promise.all(
      uploads.map(async (upload) => {
        try {
          await store.abortUpload(upload, signal)
          this.#closed(upload)
        } catch (error) {
          log.warn({ error, upload }, 'an unfinished upload could not be aborted')
        }
      }),
    )
  }
}

/** Writes down open uploads of another uploader of the same attempt. */
export function noteLeftOver(state: StateDirectory, uploads: readonly OpenUpload[]): void {
  const lines = uploads.map(({ key, id }) => `${JSON.stringify({ open: true, key, id })}\n`)
  appendFileSync(state.path(fileName), `\n${lines.join('')}`)
}

const fileName = 'uploads.ndjson'

function readLines(file: string): { open: boolean; key: string; id: string }[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  // A line that was cut off by a kill or a full disk: its upload had sent nothing yet.
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })
}
