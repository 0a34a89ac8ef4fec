import { backoff } from '../../../util/backoff.ts'
import { type Clock, systemClock } from '../../../util/clock.ts'
import { messageOf } from '../../../util/errors.ts'
import type { Log } from '../../../util/log.ts'
import type { Resource } from './api.ts'
import type { Client } from './client.ts'
import { listPages } from './list-pages.ts'
import { isOlderVersion, type KubernetesObject } from './objects.ts'
import { hasStatus } from './status-error.ts'
import { type WatchedEvent, watchEvents, watchSeconds } from './watch-events.ts'

/** A page is held in memory as a whole; a pod is about 10 KB. */
const pageSize = 250
/**
 * For so long after an outage missed changes may still come in: kubelets retry every ten seconds
 * (syncPeriod).
 */
const backlogMilliseconds = 12_000
const longestPauseMilliseconds = 10_000
const restartDelay = backoff({ first: 250, max: longestPauseMilliseconds, jitter: 0.5 })

export interface WatchOptions<T extends KubernetesObject> {
  /** For messages: `Jobs`. */
  kind: string
  client: Client
  resource: Resource<T>
  labelSelector: string
  log: Log
  clock?: Clock
  /** Keeps the needed parts of an object; lists are pruned page by page. */
  prune?: (object: T) => T
  /** Called with all objects, at first and whenever events may have been missed. */
  onList: (items: T[], list: ListVersion) => void
  /** `deleted` comes with the object's last state. */
  onEvent: (type: 'changed' | 'deleted', object: T) => void
}

/** Which state of the cluster a list shows. */
export interface ListVersion {
  /** Later changes are not in the list. */
  resourceVersion: string | undefined
  /**
   * The cluster's state was restored from an earlier one: changes that were seen after it are void.
   */
  wentBack: boolean
}

/**
 * Lists and watches one kind of object until it is closed: every error leads to another try with
 * backoff. Not client-node's informer, which ends at the first error other than a timeout, and
 * keeps whole objects.
 */
export class Watcher<T extends KubernetesObject> {
  /** Resolves after the first list. */
  readonly listed: Promise<void>
  readonly #options: WatchOptions<T>
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #done: Promise<void>
  #resolveListed: () => void = () => undefined
  /** The watch goes on from here; undefined: a list is needed first. */
  #resourceVersion: string | undefined
  /** The newest version that was seen. */
  #newest: string | undefined
  /**
   * The last watch did not end by its timeout: meanwhile the cluster may have been restored to an
   * earlier state.
   */
  #doubtful = false
  #trouble: string | undefined
  /**
   * Begin of the current watch, and of the first watch after the last outage, in ms since the
   * epoch.
   */
  #openedAt = 0
  #soundSince = 0

  constructor(options: WatchOptions<T>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.listed = new Promise((resolve) => {
      this.#resolveListed = resolve
    })
    this.#done = this.#run()
  }

  /** Why it sees no changes at this moment; undefined while it sees them. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /**
   * Whether it sees changes, and has seen those during its own last outage and during one that
   * another part noticed at `troubledAt` (ms since the epoch): a dead connection without an error
   * shows only when the watch begins again.
   */
  isCurrent(troubledAt = 0, now = this.#clock.now()): boolean {
    if (this.#trouble !== undefined || this.#openedAt < troubledAt) return false
    return now - Math.max(this.#soundSince, troubledAt) >= backlogMilliseconds
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    // A connection that is closed at once each time needs the backoff as well as an error does.
    for (let short = 0; !signal.aborted; ) {
      const began = this.#clock.now()
      try {
        if (this.#doubtful) await this.#checkPast()
        if (this.#resourceVersion === undefined) await this.#list()
        const watched = this.#clock.now()
        await this.#watch()
        this.#doubtful = this.#clock.now() - watched < (watchSeconds - 1) * 1000
      } catch (error) {
        if (signal.aborted) return
        this.#doubtful = true
        this.#note(error)
      }
      short = this.#clock.now() - began < longestPauseMilliseconds ? short + 1 : 0
      if (short > 0) await this.#pause(short)
    }
  }

  async #pause(round: number): Promise<void> {
    // Rejects when the signal is aborted, which the caller checks itself.
    await this.#clock.sleep(restartDelay(round), this.#closing).catch(() => undefined)
  }

  #note(error: unknown): void {
    // The API server no longer keeps the events after the last one seen: a new list is needed.
    if (isExpired(error)) this.#resourceVersion = undefined
    const { kind: what, log } = this.#options
    if (this.#trouble === undefined) log.warn({ error }, `the watch of ${what} was interrupted`)
    this.#trouble = `${what} of the cluster can't be watched: ${messageOf(error)}`
  }

  /** After a restore of etcd, a watch from a version of the future gives no error and no events. */
  async #checkPast(): Promise<void> {
    if (this.#resourceVersion !== undefined) {
      const { resource, labelSelector } = this.#options
      const { metadata } = await resource.list({ labelSelector, limit: 1 }, this.#closing.signal)
      if (isOlderVersion(metadata.resourceVersion, this.#newest)) this.#resourceVersion = undefined
    }
    this.#doubtful = false
  }

  async #list(): Promise<void> {
    const { resource, labelSelector, onList, log, kind: what } = this.#options
    const { signal } = this.#closing
    const items: T[] = []
    let resourceVersion: string | undefined
    for await (const page of listPages(resource, { labelSelector, limit: pageSize }, signal)) {
      for (const item of page.items) items.push(this.#prune(item))
      resourceVersion = page.metadata.resourceVersion
    }
    if (signal.aborted) return
    const wentBack = isOlderVersion(resourceVersion, this.#newest)
    if (wentBack)
      log.warn(
        { resourceVersion, newest: this.#newest },
        `the cluster's ${what} were restored to an earlier state`,
      )
    onList(items, { resourceVersion, wentBack })
    this.#resourceVersion = resourceVersion
    this.#newest = resourceVersion
    this.#resolveListed()
  }

  /**
   * An object that cannot be pruned goes to `onList` as it is: its error must not stop the others.
   */
  #prune(item: T): T {
    try {
      return this.#options.prune?.(item) ?? item
    } catch {
      return item
    }
  }

  async #watch(): Promise<void> {
    const { client, resource, labelSelector } = this.#options
    const call = {
      path: resource.path,
      labelSelector,
      resourceVersion: this.#resourceVersion,
      signal: this.#closing.signal,
      onOpen: () => this.#opened(),
    }
    for await (const event of watchEvents<T>(client, call)) this.#take(event)
  }

  #opened(): void {
    this.#openedAt = this.#clock.now()
    if (this.#trouble !== undefined) {
      this.#options.log.info(`the watch of ${this.#options.kind} works again`)
      this.#soundSince = this.#openedAt
    }
    this.#trouble = undefined
  }

  #take({ type, object }: WatchedEvent<T>): void {
    if (type !== 'bookmark') this.#emit(type, object)
    this.#resourceVersion = object.metadata?.resourceVersion ?? this.#resourceVersion
    this.#newest = this.#resourceVersion
  }

  /** The error of one object must not stop the later ones. */
  #emit(type: 'changed' | 'deleted', object: T): void {
    const { onEvent, log, kind: what } = this.#options
    try {
      onEvent(type, object)
    } catch (error) {
      log.error(
        { error, object: object.metadata?.name },
        `an event of the watch of ${what} could not be processed`,
      )
    }
  }
}

function isExpired(error: unknown): boolean {
  return hasStatus(error, 410)
}
