import { layout } from '../artifact/layout.ts'
import { putStream } from '../artifact/put-stream.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import { messageOf } from '../errors.ts'
import type { ContainerName, JobBackend, LogOptions } from '../job/backend.ts'
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
  readonly #backend: Pick<JobBackend, 'log'>
  readonly #store: ArtifactStore
  readonly #log: Log
  /** By the job, then by the log's key. */
  readonly #following = new Map<string, Following>()
  readonly #closing = new AbortController()
  /** A log that is followed ends with its container: beyond that its connection has died in silence. */
  readonly #followMilliseconds: number

  constructor(backend: Pick<JobBackend, 'log'>, store: ArtifactStore, log: Log, followMilliseconds = 60_000) {
    this.#followMilliseconds = followMilliseconds
    this.#backend = backend
    this.#store = store
    this.#log = log
  }

  /** Begins to follow the worker's log, once for each attempt. */
  follow(uuid: string, attempt: string): void {
    const following = this.#following.get(uuid) ?? { ended: new AbortController(), logs: new Map() }
    this.#following.set(uuid, following)
    const key = layout.log(uuid, attempt, 'worker')
    if (following.logs.has(key)) return
    const signal = AbortSignal.any([this.#closing.signal, following.ended.signal])
    const copied = this.#copy(uuid, key, { container: 'worker', follow: true, signal }).catch(
      (error: unknown) => {
        const stopped = { job: uuid, error: messageOf(error) }
        if (!signal.aborted) this.#log.warn(stopped, 'following the log of a job that is stopped failed')
        return undefined
      },
    )
    following.logs.set(key, copied)
  }

  /**
   * The archived log; undefined where none can be had any more. Rejects with StoreError or Problem, but without
   * `mustRead` a log that the backend can't give, as that of a node out of reach, is none.
   */
  async archive(
    uuid: string,
    attempt: string,
    container: ContainerName,
    mustRead = true,
  ): Promise<ArchivedLog | undefined> {
    const key = layout.log(uuid, attempt, container)
    const followed = await this.#followed(uuid, key)
    if (followed) return followed
    const copied = await this.#copy(uuid, key, { container, signal: this.#closing.signal }, mustRead)
    if (copied) return copied
    return (await this.#store.head(key)) ? { from_beginning: null } : undefined
  }

  /** Resolves when the worker's log isn't followed any more: archive() waits for nobody then. */
  async untilFollowed(uuid: string, attempt: string): Promise<void> {
    await this.#followed(uuid, layout.log(uuid, attempt, 'worker'))
  }

  /** Ends what is still followed of a job; resolves when nothing more of it will be written. */
  async drop(uuid: string): Promise<void> {
    const following = this.#following.get(uuid)
    this.#following.delete(uuid)
    following?.ended.abort()
    await Promise.all(following?.logs.values() ?? [])
  }

  /** Ends what is followed; resolves when nothing more of it will be written. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([...this.#following.values()].flatMap(({ logs }) => [...logs.values()]))
  }

  async #followed(uuid: string, key: string): Promise<ArchivedLog | undefined> {
    const following = this.#following.get(uuid)
    const late = setTimeout(() => following?.ended.abort(), this.#followMilliseconds)
    const followed = await following?.logs.get(key)
    clearTimeout(late)
    return followed
  }

  async #copy(
    uuid: string,
    key: string,
    options: LogOptions,
    mustRead = true,
  ): Promise<ArchivedLog | undefined> {
    const log = await this.#backend.log(uuid, options).catch((error: unknown) => {
      if (mustRead) throw error
      this.#log.warn({ job: uuid, error: messageOf(error) }, `a ${options.container}'s log is lost`)
      return undefined
    })
    if (!log) return undefined
    await putStream(this.#store, key, log.stream)
    return { from_beginning: log.fromBeginning ?? null }
  }
}

interface Following {
  ended: AbortController
  logs: Map<string, Promise<ArchivedLog | undefined>>
}
