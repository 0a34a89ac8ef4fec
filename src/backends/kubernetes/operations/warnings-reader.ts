import type { Clock } from '../../../util/clock.ts'
import type { Semaphore } from '../../../util/semaphore.ts'
import type { Api } from '../api/api.ts'
import type { Event } from '../api/objects.ts'
import { allWarnings, warningsOf } from '../observation/warnings.ts'

/** Within one window, the API server gets at most that many queries for one object each. */
const queriesPerWindow = 8
const windowMilliseconds = 5_000

interface Waiting {
  uid: string
  resolve: (warnings: readonly Event[]) => void
  reject: (error: unknown) => void
}

/**
 * Reads the warnings about single objects. Where many wait, one list of all warnings answers them:
 * the API server reads a namespace's events whole for every query about one object.
 */
export class WarningsReader {
  readonly #api: Api
  readonly #slots: Semaphore
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #waiting: Waiting[] = []
  #cancelTimer: (() => void) | undefined
  #window = { until: 0, left: queriesPerWindow }

  constructor(parts: { api: Api; slots: Semaphore; clock: Clock; signal: AbortSignal }) {
    this.#api = parts.api
    this.#slots = parts.slots
    this.#clock = parts.clock
    this.#signal = parts.signal
    parts.signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** The warnings about the object of that UID. */
  async of(uid: string): Promise<readonly Event[]> {
    this.#signal.throwIfAborted()
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ uid, resolve, reject })
      this.#arm(0)
    })
  }

  #arm(milliseconds: number): void {
    this.#cancelTimer ??= this.#clock.setTimeout(() => this.#flush(), milliseconds)
  }

  #flush(): void {
    this.#cancelTimer = undefined
    const now = this.#clock.now()
    if (now >= this.#window.until) {
      this.#window = { until: now + windowMilliseconds, left: queriesPerWindow }
    }
    const { left, until } = this.#window
    if (this.#waiting.length > left && left < queriesPerWindow) {
      this.#arm(until - now)
      return
    }
    const waiting = this.#waiting
    this.#waiting = []
    if (waiting.length <= left) {
      this.#window.left -= waiting.length
      for (const one of waiting) void this.#answer([one], () => this.#readOne(one.uid))
    } else {
      this.#window.left = 0
      void this.#answer(waiting, () => allWarnings(this.#api, new Set(waiting.map(({ uid }) => uid))))
    }
  }

  async #readOne(uid: string): Promise<Map<string, Event[]>> {
    return new Map([[uid, await warningsOf(this.#api, uid)]])
  }

  async #answer(waiting: readonly Waiting[], read: () => Promise<Map<string, Event[]>>): Promise<void> {
    const leave = await this.#slots.acquire()
    try {
      this.#signal.throwIfAborted()
      const warnings = await read()
      for (const { uid, resolve } of waiting) resolve(warnings.get(uid) ?? [])
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    } finally {
      leave()
    }
  }

  #end(): void {
    this.#cancelTimer?.()
    for (const { reject } of this.#waiting.splice(0)) reject(this.#signal.reason)
  }
}
