import type { ArtifactStore } from '../../src/store/store.ts'
import { pause } from '../pause.ts'
import { busyShare, mustRest, nextSlice, type Processors, processors, slices } from './load.ts'

/** Long enough to measure the load of other programs. */
const quietMs = 150
/** An older measurement says nothing about now. */
const oldMs = 2000

/**
 * Admits requests in slices of time. Between two slices it waits until no request is in flight,
 * measures the load of other programs, and rests as long as load.ts says. Once `stopSignal` is
 * aborted it admits every request.
 */
export class PassScheduler {
  readonly #stopSignal: AbortSignal
  #written = 0
  #sent = 0
  #inFlight = 0
  #sliceMs = slices.firstMs
  #sliceEnds = Number.NEGATIVE_INFINITY
  #quiet: { since: number; processors: Processors } | undefined
  #resting: Promise<void> | undefined

  constructor(stopSignal: AbortSignal) {
    this.#stopSignal = stopSignal
  }

  /** The worker's writes, in bytes per second. */
  set written(bytesPerSecond: number) {
    this.#written = bytesPerSecond
  }

  /** Bytes of all requests so far, also of those that failed. */
  get sent(): number {
    return this.#sent
  }

  /** To be called when no pass runs: then the next slice needs no pause for a measurement. */
  idle(): void {
    if (this.#inFlight > 0) return
    const now = performance.now()
    if (this.#quiet !== undefined && this.#quiet.since > now - oldMs) return
    this.#quiet = { since: now, processors: processors() }
  }

  /** The store; requests with a body wait for a slice. */
  scheduled(store: ArtifactStore): ArtifactStore {
    return {
      ...store,
      put: (key, body, ...rest) => this.#use(body.byteLength, () => store.put(key, body, ...rest)),
      putPart: (upload, number, body, ...rest) =>
        this.#use(body.byteLength, () => store.putPart(upload, number, body, ...rest)),
    }
  }

  async #use<T>(bytes: number, request: () => Promise<T>): Promise<T> {
    while (performance.now() >= this.#sliceEnds && !this.#stopSignal.aborted) {
      this.#resting ??= this.#rest().finally(() => {
        this.#resting = undefined
      })
      await this.#resting
    }
    this.#quiet = undefined
    this.#inFlight += 1
    this.#sent += bytes
    try {
      return await request()
    } finally {
      this.#inFlight -= 1
    }
  }

  async #rest(): Promise<void> {
    while (this.#inFlight > 0 && !this.#stopSignal.aborted) await pause(20, this.#stopSignal)
    const quiet = this.#quiet ?? { since: performance.now(), processors: processors() }
    await pause(quiet.since + quietMs - performance.now(), this.#stopSignal)
    let seen = processors()
    let others = busyShare(quiet.processors, seen)
    const [since, ended] = [performance.now(), this.#sliceEnds]
    for (let now = since; !this.#stopSignal.aborted; now = performance.now()) {
      // The worker may stop writing meanwhile, and other programs may end.
      if (!mustRest({ others, written: this.#written }, this.#sliceMs, now - ended, now - since)) break
      await pause(quietMs, this.#stopSignal)
      const next = processors()
      others = (others + busyShare(seen, next)) / 2
      seen = next
    }
    this.#sliceMs = nextSlice(others, this.#sliceMs)
    this.#sliceEnds = performance.now() + this.#sliceMs
  }
}
