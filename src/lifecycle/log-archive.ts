import { layout } from '../artifact/layout.ts'
import { putStream } from '../artifact/put-stream.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import { messageOf } from '../errors.ts'
import type { ContainerName, JobBackend } from '../job/backend.ts'
import type { Log } from '../log.ts'

export interface ArchivedLog {
  /** Null where it can't be told. */
  from_beginning: boolean | null
}

/**
 * Brings logs into the store. The pod of a job that is being stopped goes as soon as its containers have ended,
 * and its log with it: so such a log is followed from the stop on, every other is read once after the end.
 */
export class LogArchive {
  readonly #backend: JobBackend
  readonly #store: ArtifactStore
  readonly #log: Log
  readonly #following = new Map<string, Promise<ArchivedLog | undefined>>()
  readonly #closing = new AbortController()

  constructor(backend: JobBackend, store: ArtifactStore, log: Log) {
    this.#backend = backend
    this.#store = store
    this.#log = log
  }

  /** Begins to follow the worker's log, once for each attempt. */
  follow(uuid: string, attempt: string): void {
    const key = logKey(uuid, attempt, 'worker')
    if (this.#following.has(key)) return
    const copied = this.#copy(uuid, attempt, 'worker', true).catch((error: unknown) => {
      this.#log.warn(
        { job: uuid, error: messageOf(error) },
        'following the log of a job that is stopped failed',
      )
      return undefined
    })
    this.#following.set(key, copied)
  }

  /** The archived log; undefined where none can be had any more. Rejects with StoreError or Problem. */
  async archive(uuid: string, attempt: string, container: ContainerName): Promise<ArchivedLog | undefined> {
    const key = logKey(uuid, attempt, container)
    const followed = await this.#following.get(key)
    this.#following.delete(key)
    if (followed) return followed
    const copied = await this.#copy(uuid, attempt, container, false)
    if (copied) return copied
    return (await this.#store.head(key)) ? { from_beginning: null } : undefined
  }

  close(): void {
    this.#closing.abort()
  }

  async #copy(
    uuid: string,
    attempt: string,
    container: ContainerName,
    follow: boolean,
  ): Promise<ArchivedLog | undefined> {
    const log = await this.#backend.log(uuid, { container, follow, signal: this.#closing.signal })
    if (!log) return undefined
    await putStream(this.#store, logKey(uuid, attempt, container), log.stream)
    return { from_beginning: log.fromBeginning ?? null }
  }
}

function logKey(uuid: string, attempt: string, container: ContainerName): string {
  return layout.log(uuid, attempt, container)
}
