import {
  type DeliveryRoundState,
  failedDelivery,
  isDeliveryOver,
  newDelivery,
  type ResultDelivery,
} from '../../src/job/deliveries/delivery-answer.ts'
import type { DeliveryOrder } from '../../src/job/deliveries/delivery-target.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { putJson } from '../../src/store/json-objects.ts'
import { retriedForHours, retry } from '../../src/store/retry.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { messageOf } from '../../src/util/errors.ts'
import type { Log } from '../../src/util/log.ts'
import { DeliveryError } from './delivery-error.ts'

const reportMilliseconds = 2000
/** For the last report: what it says would be lost with the program. */
const lastMilliseconds = 600_000

/** What is known of each delivery of a round, and its copy in the store, which the API shows. */
export class DeliveryReport {
  readonly #store: ArtifactStore
  readonly #key: string
  readonly #log: Log
  readonly #deliveries: ResultDelivery[]
  #changed = true

  constructor(
    store: ArtifactStore,
    job: string,
    round: number,
    { attempt, targets }: Pick<DeliveryOrder, 'attempt' | 'targets'>,
    log: Log,
  ) {
    this.#store = store
    this.#key = jobKeys.deliveryState(job, attempt, round)
    this.#log = log
    this.#deliveries = targets.map(({ to }) => ({ ...newDelivery(to), state: 'delivering' }))
  }

  counted(index: number, bytes: number): void {
    this.#change(index, (one) => ({ ...one, files: one.files + 1, bytes: one.bytes + bytes }))
  }

  note(index: number, problem: string | undefined): void {
    this.#change(index, (one) => (isDeliveryOver(one) ? one : { ...one, message: problem ?? null }))
  }

  delivered(index: number): void {
    const finished_at = new Date().toISOString()
    this.#change(index, (one) => ({ ...one, state: 'delivered', message: null, finished_at }))
  }

  /** Rethrows what is no DeliveryError: another run of the program may do better. */
  failed(index: number, error: unknown): void {
    if (!(error instanceof DeliveryError)) throw error
    this.#change(index, (one) => failedDelivery(one, error.kind, `${one.to}: ${error.message}`, Date.now()))
  }

  /** Writes what has changed every 2 s, until the signal is aborted. Never rejects. */
  async keepWritten(signal: AbortSignal, sleep: (ms: number, signal: AbortSignal) => Promise<void>) {
    while (!signal.aborted) {
      if (this.#changed) await this.#write().catch((error) => this.#warn(error))
      await sleep(reportMilliseconds, signal)
    }
  }

  /** Rejects with StoreError after ten minutes. */
  async writeLast(): Promise<void> {
    const until = Date.now() + lastMilliseconds
    const onRetry = (error: unknown) => this.#warn(error)
    await retry(() => this.#write(), { until, retryable: retriedForHours, onRetry })
  }

  async #write(): Promise<void> {
    this.#changed = false
    const state: DeliveryRoundState = { version: 1, deliveries: this.#deliveries }
    try {
      await putJson(this.#store, this.#key, state)
    } catch (error) {
      this.#changed = true
      throw error
    }
  }

  #change(index: number, change: (one: ResultDelivery) => ResultDelivery): void {
    const before = this.#deliveries[index]
    if (before === undefined) return
    const after = change(before)
    this.#deliveries[index] = after
    this.#changed = true
    if (after.message !== before.message || after.state !== before.state) {
      const { to, state, reason, message } = after
      this.#log.info({ to, state, reason, message }, 'delivery')
    }
  }

  #warn(error: unknown): void {
    this.#log.warn({ error: messageOf(error) }, 'the state of a delivery could not be written, and is again')
  }
}
