import type { ArtifactStore } from '../../src/artifact/store.ts'
import { pause } from '../pause.ts'
import { busyShare, mustRest, nextSlice, type Processors, processors, slices } from './load.ts'

/** Long enough to see what others do. */
const quietMs = 150
/** What others did before that says nothing of now. */
const oldMs = 2000

/**
 * Lets requests through in slices of time. Between two of them it waits until nothing is under way, looks at what
 * others do meanwhile, and rests as load.ts says, as long as that is so. Once `hurry` is aborted it holds nothing back.
 */
export class Pace {
  readonly #hurry: AbortSignal
  #written = 0
  #underWay = 0
  #sliceMs = slices.firstMs
  #sliceEnds = Number.NEGATIVE_INFINITY
  #quiet: { since: number; processors: Processors } | undefined
  #resting: Promise<void> | undefined

  constructor(hurry: AbortSignal) {
    this.#hurry = hurry
  }

  /** What the worker writes now, in bytes per second. */
  set written(bytesPerSecond: number) {
    this.#written = bytesPerSecond
  }

  /** To be called when nothing is wanted of it for the time being: then the next slice needs no pause to look. */
  idle(): void {
    if (this.#underWay > 0) return
    const now = performance.now()
    if (this.#quiet !== undefined && this.#quiet.since > now - oldMs) return
    this.#quiet = { since: now, processors: processors() }
  }

  /** The store, its bodies at this pace. */
  paced(store: ArtifactStore): ArtifactStore {
    return {
      ...store,
      put: (...args) => this.#use(() => store.put(...args)),
      putPart: (...args) => this.#use(() => store.putPart(...args)),
    }
  }

  async #use<T>(request: () => Promise<T>): Promise<T> {
    while (performance.now() >= this.#sliceEnds && !this.#hurry.aborted) {
      this.#resting ??= this.#rest().finally(() => {
        this.#resting = undefined
      })
      await this.#resting
    }
    this.#quiet = undefined
    this.#underWay += 1
    try {
      return await request()
    } finally {
      this.#underWay -= 1
    }
  }

  async #rest(): Promise<void> {
    while (this.#underWay > 0 && !this.#hurry.aborted) await pause(20, this.#hurry)
    const quiet = this.#quiet ?? { since: performance.now(), processors: processors() }
    await pause(quiet.since + quietMs - performance.now(), this.#hurry)
    let seen = processors()
    let others = busyShare(quiet.processors, seen)
    const [since, ended] = [performance.now(), this.#sliceEnds]
    for (let now = since; !this.#hurry.aborted; now = performance.now()) {
      // The worker may stop writing meanwhile, and others may leave it some room.
      if (!mustRest({ others, written: this.#written }, this.#sliceMs, now - ended, now - since)) break
      await pause(quietMs, this.#hurry)
      const next = processors()
      others = (others + busyShare(seen, next)) / 2
      seen = next
    }
    this.#sliceMs = nextSlice(others, this.#sliceMs)
    this.#sliceEnds = performance.now() + this.#sliceMs
  }
}
