import type { Words } from '../results-context.ts'
import { settleMs } from './select-settled-files.ts'

/** A worker that asks all the time doesn't keep its uploader, nor the store, busy. */
const againMs = 10_000
const scanShare = 50
/** Files that were written just before the request have settled by then. */
const afterMs = settleMs + 100

/** Answers `publish` requests of the worker: each by one whole pass and its checkpoint. */
export class Publishing {
  readonly #words: Words | undefined
  /** The first request that no pass answers yet: later ones put nothing off. */
  #since: number | undefined
  #inPass: number | undefined
  #notBefore = 0

  constructor(words: Words | undefined) {
    this.#words = words
  }

  isDue(now: number): boolean {
    const wanted = this.#words?.publishWanted
    if (wanted === undefined) return false
    this.#since ??= wanted
    return now >= Math.max(this.#since + afterMs, this.#notBefore)
  }

  /** A pass begins that answers the newest request whose files have settled. */
  begin(now: number, scanMs: number): void {
    const wanted = this.#words?.publishWanted
    this.#inPass = wanted !== undefined && now < wanted + afterMs ? this.#since : wanted
    this.#since = undefined
    this.#notBefore = now + Math.max(againMs, scanMs * scanShare)
  }

  /** The checkpoint of that pass is wanted at once. */
  get isInPass(): boolean {
    return this.#inPass !== undefined
  }

  /** The pass has ended; without `stored` another one answers. */
  end(stored: boolean): void {
    if (stored && this.#inPass !== undefined) this.#words?.published(this.#inPass)
    this.#inPass = undefined
  }
}
