import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../errors.ts'
import { isFinal, type Job } from '../../job/job.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import type { KeyLock } from '../../lifecycle/key-lock.ts'
import type { Log } from '../../log.ts'
import type { JobEnds } from '../job-ends.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Lease } from '../outbox/sender.ts'
import type { EdcSettings } from './edc-settings.ts'
import { failureOf } from './failure.ts'
import type { AccessParts } from './give-access.ts'
import {
  deprovisionedKind,
  deprovisionedMessage,
  provisionedKind,
  provisionedMessage,
  terminateKind,
  terminateMessage,
} from './message-kinds.ts'
import type { ProvisionRequest } from './request.ts'
import type { Provision, StoredProvisions } from './stored-provision.ts'

export const consumerKind = 'edc'

/** For so long one that was deprovisioned is known, where its connector may ask for that again without saying so. */
export const rememberedMilliseconds = 86_400_000

/** Milliseconds. */
export interface Pauses {
  /** From an answer's end on: the connector has yet to write down that it has it. */
  afterAnswer: number
  /** Whoever asked and has no answer by then never gets one from here: its process ended. */
  unanswered: number
  /** How often what was left undone is looked for. */
  sweep: number
}

export const defaultPauses: Pauses = { afterAnswer: 1000, unanswered: 60_000, sweep: 10_000 }

export interface CallbackParts {
  provisions: StoredProvisions
  jobs: Pick<Jobs, 'get'>
  access: AccessParts
  edc: EdcSettings
  completion: { ends: JobEnds; outbox: Outbox }
  lease: Lease
  /** By provision: one that is deprovisioned must not be written again by whoever read it before. */
  locks: KeyLock
  log: Log
  pauses: Pauses
}

/** Tells connectors what became of their requests, each only after it has its answer. */
export class Callbacks {
  readonly #parts: CallbackParts
  readonly #closing = new AbortController()
  #sweeping: Promise<void> = Promise.resolve()

  constructor(parts: CallbackParts) {
    this.#parts = parts
    const { completion, provisions, access, edc } = parts
    completion.ends.register({
      kind: consumerKind,
      jobEnded: (job, { id }) => this.#jobEnded(job, id),
    })
    const failed = (provision: Provision, reason: string) => this.#failed(provision, reason)
    const told = async (id: string) => {
      await this.#mark(id, 'told_at')
    }
    for (const kind of [provisionedKind, terminateKind, deprovisionedKind]) {
      completion.outbox.register(kind({ provisions, access, edc, failed, told }))
    }
  }

  start(): void {
    this.#sweeping = this.#sweepUntilClosed()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#sweeping
  }

  /** Before it is answered: should this process end, another one does what is to follow. Gives what ends that. */
  plan(id: string): Promise<() => Promise<void>> {
    const { provisions, pauses } = this.#parts
    return provisions.plan(id, Date.now() + pauses.unanswered)
  }

  /** The answer to what was asked last is out; a job that had ended before is told of now. */
  async answered(id: string, planned: () => Promise<void>): Promise<void> {
    if (await this.#mark(id, 'answered_at')) {
      const { pauses } = this.#parts
      await sleep(pauses.afterAnswer, undefined, { signal: this.#closing.signal })
      await this.#look(id)
    }
    await planned()
  }

  /** Writes down that it has happened now; false where it isn't wanted any more. */
  async #mark(id: string, what: 'answered_at' | 'told_at'): Promise<boolean> {
    const { provisions, locks } = this.#parts
    const unlock = await locks.lock(id)
    try {
      const marked = await provisions.change(id, (provision) =>
        provision.deprovisioned_at === undefined
          ? { ...provision, [what]: new Date().toISOString() }
          : undefined,
      )
      return marked !== undefined
    } finally {
      unlock()
    }
  }

  /** A data plane waits for word of it, whether or not there was anything. */
  async deprovisioned(id: string, request: ProvisionRequest): Promise<void> {
    const { generation, callbackAddress } = request
    if (generation !== 'data-plane' || callbackAddress === undefined) return
    const { type: _, ...asked } = request
    await this.#parts.completion.outbox.add(
      deprovisionedMessage(id, { ...asked, callbackAddress }, Date.now()),
    )
  }

  /** Sends what can be sent, where the job has ended. */
  async #look(id: string): Promise<void> {
    const { provisions, jobs } = this.#parts
    const provision = await provisions.read(id)
    if (!provision || provision.deprovisioned_at !== undefined) return
    const job = await jobs.get(provision.uuid)
    if (!job) await this.#failed(provision, `there is no job ${provision.uuid} any more`)
    else if (isFinal(job.state)) await this.#send(provision, job)
  }

  async #jobEnded(job: Job, id: string): Promise<void> {
    const provision = await this.#untilAnswered(id)
    if (provision) await this.#send(provision, job)
  }

  async #send(provision: Provision, job: Job): Promise<void> {
    const failure = failureOf(provision, job)
    if (failure !== undefined) return await this.#failed(provision, failure)
    await this.#parts.completion.outbox.add(provisionedMessage(provision))
  }

  async #failed(provision: Provision, reason: string): Promise<void> {
    const { completion, edc, log } = this.#parts
    const { uuid, request } = provision
    const ends = edc.managementUrl !== undefined
    log.error(
      { job: uuid, transfer: request.transfer, reason },
      ends
        ? 'a transfer gets no data and is terminated'
        : 'a transfer gets no data and waits for ever: EDC_MANAGEMENT_URL is not set',
    )
    await completion.outbox.add(terminateMessage(provision, reason, edc))
  }

  /** Undefined where it isn't wanted any more. */
  async #untilAnswered(id: string): Promise<Provision | undefined> {
    const { provisions, pauses } = this.#parts
    for (;;) {
      const provision = await provisions.read(id)
      if (!provision || provision.deprovisioned_at !== undefined) return undefined
      const { asked_at, answered_at } = provision
      const wait =
        answered_at === undefined
          ? Date.parse(asked_at) + pauses.unanswered - Date.now()
          : Date.parse(answered_at) + pauses.afterAnswer - Date.now()
      if (wait <= 0) return provision
      await sleep(Math.min(wait, 200), undefined, { signal: this.#closing.signal })
    }
  }

  async #sweepUntilClosed(): Promise<void> {
    const { lease, log, pauses } = this.#parts
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await sleep(pauses.sweep, undefined, { signal, ref: false })
        if (lease.holdsLease()) await this.#sweep()
      } catch (error) {
        if (!signal.aborted) log.warn({ error: messageOf(error) }, 'connectors that wait are looked at later')
      }
    }
  }

  async #forget(id: string): Promise<void> {
    const { deprovisioned_at: at } = (await this.#parts.provisions.read(id)) ?? {}
    if (at === undefined || Date.parse(at) > Date.now() - rememberedMilliseconds) return
    await this.#parts.provisions.remove(id)
  }

  /** Those whose process ended between the answer and what follows. */
  async #sweep(): Promise<void> {
    const { provisions, log } = this.#parts
    for await (const { id, done } of provisions.due(Date.now())) {
      try {
        await this.#untilAnswered(id)
        await this.#look(id)
        await this.#forget(id)
        await done()
      } catch (error) {
        // One that can't be read must not stand in the way of all behind it.
        if (this.#closing.signal.aborted) throw error
        log.warn({ provision: id, error: messageOf(error) }, 'a connector that waits is looked at later')
      }
    }
  }
}
