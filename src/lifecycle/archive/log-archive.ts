import type { AttemptId, JobBackend, ReadLogOptions } from '../../job/backend.ts'
import { type LogName, loggedContainer } from '../../job/log-name.ts'
import { nameOfProgram } from '../../job/steps/step-states.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { putStream, TooLargeError } from '../../store/put-stream.ts'
import { type RetryOptions, retry } from '../../store/retry.ts'
import { type ArtifactStore, StoreError } from '../../store/store.ts'
import { type Clock, systemClock } from '../../util/clock.ts'
import { messageOf, Problem } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { defined } from '../../util/objects.ts'

export interface ArchivedLog {
  /** Null if it isn't known. */
  from_beginning: boolean | null
}

/** How long a kubelet that is away is asked again; its restart takes some seconds. */
const unavailableMilliseconds = 20_000

/** A followed log ends with its container: if it takes longer, its connection counts as dead. */
const silentMilliseconds = 60_000

/**
 * Brings logs into the store. The pod of a job that is being stopped is removed as soon as its
 * containers have ended, and its log with it: such a log is followed from the stop on. Other logs
 * are read once after the end.
 */
export class LogArchive {
  readonly #backend: Pick<JobBackend, 'log'>
  readonly #store: ArtifactStore
  readonly #log: Log
  /** By the job's uuid, then by the log's key. */
  readonly #following = new Map<string, Following>()
  readonly #closing = new AbortController()
  readonly #clock: Clock

  constructor(backend: Pick<JobBackend, 'log'>, store: ArtifactStore, log: Log, clock = systemClock) {
    this.#clock = clock
    this.#backend = backend
    this.#store = store
    this.#log = log
  }

  /** Begins to follow a log of an attempt; does nothing if it is followed already. */
  follow(uuid: string, attempt: string, name: LogName = 'worker'): void {
    const following = this.#following.get(uuid) ?? { ended: new AbortController(), logs: new Map() }
    this.#following.set(uuid, following)
    const key = jobKeys.log(uuid, attempt, name)
    if (following.logs.has(key)) return
    const signal = AbortSignal.any([this.#closing.signal, following.ended.signal])
    const copied = this.#copy(uuid, key, { ...loggedContainer(name), follow: true, signal }).catch(
      (error: unknown) => {
        const stopped = { job: uuid, error: messageOf(error) }
        if (!signal.aborted) this.#log.warn(stopped, 'following the log of a stopped job failed')
        return undefined
      },
    )
    following.logs.set(key, copied)
  }

  /**
   * The archived log; undefined if there is none any more. Rejects with StoreError or Problem;
   * without `mustRead` a log that the backend can't read, as on an unreachable node, counts as
   * absent.
   */
  async archive(
    uuid: string,
    attempt: string,
    name: LogName,
    mustRead = true,
  ): Promise<ArchivedLog | undefined> {
    const key = jobKeys.log(uuid, attempt, name)
    const followed = await this.#followed(uuid, key)
    if (followed) return followed
    const options = { ...loggedContainer(name), signal: this.#closing.signal }
    const copied = await (mustRead
      ? this.#copy(uuid, key, options)
      : this.#copyIfReadable(uuid, key, options, { attempts: 1 }))
    if (copied) return copied
    return (await this.#store.head(key)) ? { from_beginning: null } : undefined
  }

  /**
   * Keeps the logs of attempts that others followed. A followed log is in the attempt's folder;
   * others are read from the backend, for 20 s in all while it is unavailable, else they are lost.
   */
  async archiveEarlier(
    uuid: string,
    attempts: readonly AttemptId[],
    names: readonly LogName[] = ['worker', 'uploader'],
  ): Promise<void> {
    const until = this.#clock.now() + unavailableMilliseconds
    for (const { number, uid } of attempts) {
      for (const name of names) {
        const key = jobKeys.earlierLog(uuid, number, name)
        if (await this.#store.head(key)) continue
        const followed = jobKeys.log(uuid, uid, name)
        if (await this.#store.head(followed)) {
          await putStream(this.#store, key, (await this.#store.get(followed)).stream)
          continue
        }
        const options = { ...loggedContainer(name), attempt: number, signal: this.#closing.signal }
        await this.#copyIfReadable(uuid, key, options, { until })
      }
    }
  }

  /**
   * Resolves once no log of the attempt is followed any more, so that archive() doesn't wait for it.
   */
  async untilFollowed(uuid: string, attempt: string): Promise<void> {
    const keys = [...(this.#following.get(uuid)?.logs.keys() ?? [])]
    const own = keys.filter((key) => key.startsWith(jobKeys.attempt(uuid, attempt)))
    await Promise.all(own.map((key) => this.#followed(uuid, key)))
  }

  /** Ends following a job's logs; resolves once nothing of them is written any more. */
  async drop(uuid: string): Promise<void> {
    const following = this.#following.get(uuid)
    this.#following.delete(uuid)
    following?.ended.abort()
    await Promise.all(following?.logs.values() ?? [])
  }

  /** Ends following all logs; resolves once nothing of them is written any more. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([...this.#following.values()].flatMap(({ logs }) => [...logs.values()]))
  }

  async #followed(uuid: string, key: string): Promise<ArchivedLog | undefined> {
    const following = this.#following.get(uuid)
    const cancel = this.#clock.setTimeout(() => following?.ended.abort(), silentMilliseconds)
    const followed = await following?.logs.get(key)
    cancel()
    return followed
  }

  async #copy(uuid: string, key: string, options: ReadLogOptions): Promise<ArchivedLog | undefined> {
    const log = await this.#backend.log(uuid, options)
    if (!log) return undefined
    await putStream(this.#store, key, log.stream)
    return { from_beginning: log.fromBeginning ?? null }
  }

  /**
   * As #copy(), but a log that can't be read, or not to its end, counts as absent. Rejects if the
   * store fails or the archive is closed: a further call may bring the log then.
   */
  async #copyIfReadable(
    uuid: string,
    key: string,
    options: ReadLogOptions,
    times: Pick<RetryOptions, 'attempts' | 'until'>,
  ): Promise<ArchivedLog | undefined> {
    const { signal } = this.#closing
    try {
      const limits = { ...times, signal, retryable: isPassing, clock: this.#clock }
      return await retry(() => this.#copy(uuid, key, options), limits)
    } catch (error) {
      if (error instanceof StoreError || signal.aborted) throw error
      this.#log.warn(
        { job: uuid, ...defined({ attempt: options.attempt }), error: messageOf(error) },
        `the log of ${describe(options)} can't be read and is lost`,
      )
      return undefined
    }
  }
}

function describe({ container, step }: ReadLogOptions): string {
  return container === 'uploader' ? 'the uploader' : nameOfProgram(step)
}

/** Of the backend's: a stream may break while the kubelet restarts. */
function isPassing(error: unknown): boolean {
  if (error instanceof Problem) return error.code === 'unavailable'
  return !(error instanceof StoreError || error instanceof TooLargeError)
}

interface Following {
  ended: AbortController
  logs: Map<string, Promise<ArchivedLog | undefined>>
}
