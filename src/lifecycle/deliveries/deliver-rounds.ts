import { messageOf } from '../../util/errors.ts'
import { advanceRound } from './advance-round.ts'
import type { DeliveryParts } from './delivery-parts.ts'
import { type PendingRound, pendingRounds } from './delivery-rounds.ts'

/** Programs that run at once; further rounds wait. */
const mostRunning = 8
const whileRunningMs = 1000
/** Another replica may have ordered a round, or left one behind. */
const idleMs = 15_000

/**
 * Brings each pending round to its end, while this process leads: all that it needs to know is in
 * the store, so that any replica goes on where another one was killed.
 */
export class DeliveryLoop {
  readonly #parts: DeliveryParts
  readonly #running = new Set<string>()
  /** Rounds whose programs could not be started, with the time of the next try. */
  readonly #nextTry = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #passing: Promise<void> = Promise.resolve()
  #isPassing = false
  #again = false
  #closed = false

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  start(): void {
    this.#parts.leadership.onChange(() => this.kick())
    this.kick()
  }

  /** A round was ordered. */
  kick(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    if (this.#isPassing) this.#again = true
    else this.#passing = this.#pass()
  }

  /** The programs go on where they outlive this process. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#passing
  }

  async #pass(): Promise<void> {
    this.#isPassing = true
    this.#again = false
    const { leadership, backend, store, log } = this.#parts
    let isBusy = false
    try {
      if (leadership.isLeader() && backend.isCurrent()) {
        const pending = await pendingRounds(store)
        isBusy = pending.length > 0
        for (const round of this.#inTurn(pending)) await this.#advance(round)
      }
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'looking for deliveries failed and is repeated')
    }
    this.#isPassing = false
    if (this.#closed) return
    if (this.#again) this.kick()
    else this.#timer = setTimeout(() => this.kick(), isBusy ? whileRunningMs : idleMs).unref()
  }

  /** Those that run first, so that they make room for others. */
  #inTurn(pending: readonly PendingRound[]): PendingRound[] {
    const runs = ({ key }: PendingRound) => this.#running.has(key)
    const keys = new Set(pending.map(({ key }) => key))
    for (const key of this.#running) if (!keys.has(key)) this.#running.delete(key)
    for (const key of this.#nextTry.keys()) if (!keys.has(key)) this.#nextTry.delete(key)
    return [...pending.filter(runs), ...pending.filter((one) => !runs(one))]
  }

  async #advance(round: PendingRound): Promise<void> {
    const { locks, leadership, log } = this.#parts
    // The lock's holder removes the job.
    if (this.#closed || !leadership.isLeader() || locks.isLocked(round.uuid)) return
    const mayStart = this.#running.has(round.key) || this.#hasRoom(round)
    try {
      const unlock = await locks.lock(round.uuid)
      try {
        const step = await advanceRound(this.#parts, round, mayStart)
        if (step === 'running') this.#running.add(round.key)
        else this.#running.delete(round.key)
        if (step === 'waiting') this.#nextTry.set(round.key, Date.now() + idleMs)
      } finally {
        unlock()
      }
    } catch (error) {
      log.warn({ job: round.uuid, error: messageOf(error) }, "a job's delivery failed and is repeated")
    }
  }
  #hasRoom({ key }: PendingRound): boolean {
    return this.#running.size < mostRunning && Date.now() >= (this.#nextTry.get(key) ?? 0)
  }
}
