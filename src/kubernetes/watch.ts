import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { List, Resource } from './api.ts'
import type { Client } from './client.ts'
import { isOlderVersion, type KubernetesObject } from './objects.ts'
import { hasStatus, StatusError } from './status-error.ts'

/**
 * The API server ends a watch after that time, so that a connection that died in silence is noticed: HTTP/1.1 has no
 * ping, and bookmarks come once a minute.
 */
const watchSeconds = 20
/** Silence beyond this is a dead connection. */
const silenceMilliseconds = (watchSeconds + 5) * 1000
/** Pods are some 10 KB each: pages are read whole. */
const pageSize = 250
/** So long after a trouble changes still come in: kubelets tell every ten seconds what they could not (syncPeriod). */
const backlogMilliseconds = 12_000
const backOff = { first: 250, last: 10_000 }

export interface WatchOptions<T extends KubernetesObject> {
  /** For people: `jobs`. */
  what: string
  client: Client
  resource: Resource<T>
  labelSelector: string
  log: Log
  /** What of an object is worked with: of a list, the rest is dropped page by page. */
  slim?: (object: T) => T
  /** Called with all that there is, at first and whenever events may have been missed. */
  onList: (items: T[], list: SeenList) => void
  /** `deleted` comes with the object's last state. */
  onEvent: (type: 'changed' | 'deleted', object: T) => void
}

export interface SeenList {
  /** What happened later than this is not in it. */
  resourceVersion: string | undefined
  /** The cluster's state was restored from an earlier one: what was seen later than this never was. */
  wentBack: boolean
}

/**
 * Lists and watches one kind of object until it is closed, whatever happens: every error leads to another try
 * with back-off. Written out because client-node's informer ends for good at the first error that is no timeout,
 * and keeps objects whole.
 */
export class Watcher<T extends KubernetesObject> {
  /** Resolves after the first list. */
  readonly listed: Promise<void>
  readonly #options: WatchOptions<T>
  readonly #closing = new AbortController()
  readonly #done: Promise<void>
  #resolveListed: () => void = () => undefined
  /** To go on from; undefined: everything has to be listed. */
  #resourceVersion: string | undefined
  /** The newest that was ever seen. */
  #newest: string | undefined
  /** The last watch didn't end by its own time: the API server may have another past than the one that was seen. */
  #doubtful = false
  #trouble: string | undefined
  /** When the present watch began, and when the first one after the last trouble did, in ms since the epoch. */
  #openedAt = 0
  #soundSince = 0

  constructor(options: WatchOptions<T>) {
    this.#options = options
    this.listed = new Promise((resolve) => {
      this.#resolveListed = resolve
    })
    this.#done = this.#run()
  }

  /** Why it doesn't see changes at this moment; undefined when it does. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /**
   * Whether it sees what happens, and has seen what happened in its troubles and in somebody else's at `troubledAt`
   * (ms since the epoch): a connection that died in silence shows only when the watch is begun again.
   */
  isCurrent(troubledAt = 0, now = Date.now()): boolean {
    if (this.#trouble !== undefined || this.#openedAt < troubledAt) return false
    return now - Math.max(this.#soundSince, troubledAt) >= backlogMilliseconds
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    // Counts rounds that were short, whether they failed or the connection was just closed each time.
    for (let short = 0; !signal.aborted; ) {
      const began = Date.now()
      try {
        if (this.#doubtful) await this.#checkPast()
        if (this.#resourceVersion === undefined) await this.#list()
        const watched = Date.now()
        await this.#watch()
        this.#doubtful = Date.now() - watched < (watchSeconds - 1) * 1000
      } catch (error) {
        if (signal.aborted) return
        this.#doubtful = true
        this.#note(error)
      }
      short = Date.now() - began < backOff.last ? short + 1 : 0
      if (short > 0) await pause(short, signal)
    }
  }

  #note(error: unknown): void {
    // Events that follow the last one seen are no longer kept: everything has to be listed again.
    if (isExpired(error)) this.#resourceVersion = undefined
    const { what, log } = this.#options
    if (this.#trouble === undefined) log.warn({ error }, `watching ${what} was interrupted`)
    this.#trouble = `${what} of the cluster can't be watched: ${messageOf(error)}`
  }

  /** A watch from a version that is still to come, as after etcd was restored, gives no error and no events. */
  async #checkPast(): Promise<void> {
    if (this.#resourceVersion !== undefined) {
      const { resource, labelSelector } = this.#options
      const { metadata } = await resource.list({ labelSelector, limit: 1 }, this.#closing.signal)
      if (isOlderVersion(metadata.resourceVersion, this.#newest)) this.#resourceVersion = undefined
    }
    this.#doubtful = false
  }

  async #list(): Promise<void> {
    const { resource, labelSelector, onList, log, what } = this.#options
    const { signal } = this.#closing
    const items: T[] = []
    let page: List<T> | undefined
    do {
      const from = page?.metadata.continue
      page = await resource.list(
        { labelSelector, limit: pageSize, ...(from ? { continue: from } : {}) },
        signal,
      )
      for (const item of page.items) items.push(this.#slim(item))
    } while (page.metadata.continue)
    if (signal.aborted) return
    const { resourceVersion } = page.metadata
    const wentBack = isOlderVersion(resourceVersion, this.#newest)
    if (wentBack)
      log.warn({ resourceVersion, newest: this.#newest }, `${what} of the cluster went back in time`)
    onList(items, { resourceVersion, wentBack })
    this.#resourceVersion = resourceVersion
    this.#newest = resourceVersion
    this.#resolveListed()
  }

  /** One that can't be is left to whoever takes the list: it must not end here for all others. */
  #slim(item: T): T {
    try {
      return this.#options.slim?.(item) ?? item
    } catch {
      return item
    }
  }

  async #watch(): Promise<void> {
    const silence = new AbortController()
    const signal = AbortSignal.any([this.#closing.signal, silence.signal])
    const fallSilent = () => silence.abort(new Error(`nothing heard for ${silenceMilliseconds / 1000} s`))
    const timer = setTimeout(fallSilent, silenceMilliseconds)
    try {
      const { client, resource, labelSelector, log, what } = this.#options
      const stream = await client.stream({
        method: 'GET',
        path: resource.path,
        query: {
          watch: true,
          labelSelector,
          resourceVersion: this.#resourceVersion,
          allowWatchBookmarks: true,
          timeoutSeconds: watchSeconds,
        },
        endless: true,
        signal,
      })
      this.#openedAt = Date.now()
      if (this.#trouble !== undefined) {
        log.info(`watching ${what} goes on`)
        this.#soundSince = this.#openedAt
      }
      this.#trouble = undefined
      for await (const line of linesOf(stream)) {
        timer.refresh()
        this.#take(JSON.parse(line))
      }
      signal.throwIfAborted()
    } finally {
      clearTimeout(timer)
    }
  }

  #take({ type, object }: { type: string; object: T & { code?: number; message?: string } }): void {
    if (type === 'ERROR') throw new StatusError(object.code ?? 500, object.message ?? 'the watch failed')
    if (type !== 'BOOKMARK') this.#tell(type === 'DELETED' ? 'deleted' : 'changed', object)
    this.#resourceVersion = object.metadata?.resourceVersion ?? this.#resourceVersion
    this.#newest = this.#resourceVersion
  }

  /** An object that can't be worked with must not hide those that come after it. */
  #tell(type: 'changed' | 'deleted', object: T): void {
    const { onEvent, log, what } = this.#options
    try {
      onEvent(type, object)
    } catch (error) {
      log.error({ error, object: object.metadata?.name }, `one of the ${what} could not be taken in`)
    }
  }
}

async function pause(round: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(backOff.first * 2 ** (round - 1), backOff.last)
  // Rejects when the signal is aborted, which the caller looks at itself.
  await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
}

function isExpired(error: unknown): boolean {
  return hasStatus(error, 410)
}

/** Readline swallows errors of its input: they are raised here. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let failure: unknown
  stream.once('error', (error) => {
    failure = error
  })
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  try {
    yield* lines
  } finally {
    lines.close()
    stream.destroy()
  }
  if (failure !== undefined) throw failure
}
