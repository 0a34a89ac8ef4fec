import { diagnosisQuery, queryKey } from '../observation/diagnosis-queries.ts'
import type { AgainCache } from './again-cache.ts'
import { type CachedJob, type CacheEntry, podsOf } from './cached-job.ts'

/** Gets the error of one object, with the object's name or the job's uuid. */
export type OnFailure = (error: unknown, name: string | undefined) => void

type Seen = Pick<CachedJob, 'job' | 'agains' | 'pods' | 'excess' | 'podsKnown'>

/** The cache's entries by their jobs' uuids, and the listeners to their changes. */
export class CacheEntries {
  readonly #entries = new Map<string, CacheEntry>()
  readonly #listeners = new Set<(uuid: string) => void>()
  readonly #onFailure: OnFailure
  readonly #agains: AgainCache
  #waiting: Set<string> | undefined

  constructor(agains: AgainCache, onFailure: OnFailure = raise) {
    this.#onFailure = onFailure
    this.#agains = agains
  }

  subscribe(listener: (uuid: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  uuids(): Iterable<string> {
    return this.#entries.keys()
  }

  values(): Iterable<CacheEntry> {
    return this.#entries.values()
  }

  get(uuid: string | undefined): CacheEntry | undefined {
    return uuid === undefined ? undefined : this.#entries.get(uuid)
  }

  getOrCreate(uuid: string): CacheEntry {
    const known = this.#entries.get(uuid)
    if (known !== undefined) return known
    const entry: CacheEntry = { pods: new Map() }
    this.#entries.set(uuid, entry)
    return entry
  }

  /** The entry's Jobs and pods; undefined while it has no Job. */
  seen(uuid: string): Seen | undefined {
    const entry = this.get(uuid)
    if (entry?.job === undefined) return undefined
    const agains = this.#agains.get(uuid, entry.job.metadata?.uid)
    return { agains, ...podsOf(entry, entry.job, agains) }
  }

  /**
   * The key of the query that would show why the job makes no progress; undefined if none is
   * needed.
   */
  currentQuery(uuid: string): string | undefined {
    const seen = this.seen(uuid)
    const query = seen && diagnosisQuery(seen)
    return query && queryKey(query)
  }

  /**
   * Drops what the entry has of its earlier state, then the entry if it is empty, and tells the
   * listeners.
   */
  changed(uuid: string | undefined): void {
    const entry = this.get(uuid)
    if (uuid === undefined || entry === undefined) return
    delete entry.live
    if (this.#waiting !== undefined) {
      this.#waiting.add(uuid)
      return
    }
    // A diagnosis of an earlier state says nothing about this one.
    if (entry.diagnosis !== undefined && entry.diagnosis.key !== this.currentQuery(uuid))
      delete entry.diagnosis
    if (entry.job === undefined && entry.pods.size === 0) this.#entries.delete(uuid)
    for (const listener of this.#listeners) this.try(uuid, () => listener(uuid))
  }

  /**
   * The listeners are told of the action's changes once all are made: of several pods of one list,
   * the first alone may mean the job's end.
   */
  atOnce(action: () => void): void {
    const waiting = new Set<string>()
    this.#waiting = waiting
    try {
      action()
    } finally {
      this.#waiting = undefined
      for (const uuid of waiting) this.changed(uuid)
    }
  }

  /**
   * The result of the action; its error goes to `onFailure`, so that it does not stop the other
   * objects.
   */
  try<T>(name: string | undefined, action: () => T): T | undefined {
    try {
      return action()
    } catch (error) {
      this.#onFailure(error, name)
      return undefined
    }
  }
}

function raise(error: unknown): never {
  throw error
}
