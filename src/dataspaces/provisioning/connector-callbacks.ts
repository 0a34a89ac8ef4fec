import { setTimeout as sleep } from 'node:timers/promises'
import { isFinal, type Job } from '../../job/job.ts'
import type { Leadership } from '../../job/leadership.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import type { JobEnds } from '../../notifications/job-ends.ts'
import type { Outbox } from '../../notifications/outbox/outbox.ts'
import { messageOf } from '../../util/errors.ts'
import type { KeyedMutex } from '../../util/keyed-mutex.ts'
import type { Log } from '../../util/log.ts'
import type { EdcSettings } from './edc-settings.ts'
import { failureOf } from './failure.ts'
import type { AccessParts } from './give-access.ts'
import {
  deprovisionedKind,
  deprovisionedMessage,
  provisionedKind,
  provisionedMessage,
  terminateKind,
  terminateTransferMessage,
} from './message-kinds.ts'
import type { ProvisionRequest } from './provision-request.ts'
import type { Provision, StoredProvisions } from './stored-provision.ts'

export const provisionConsumerKind = 'edc'

/** A deprovisioned entry is kept this long: old connectors repeat the request without a type. */
export const rememberedMilliseconds = 86_400_000

/** Waiting times, in milliseconds. */
export interface Pauses {
  /** After the answer was sent: the connector has to store it before a callback may arrive. */
  afterAnswer: number
  /**
   * After this time a request without an answer counts as lost: the process that served it ended.
   */
  unanswered: number
  /** Between two searches for unfinished provisions. */
  sweep: number
}

export const defaultPauses: Pauses = { afterAnswer: 1000, unanswered: 60_000, sweep: 10_000 }

export interface ConnectorCallbacksParts {
  provisions: StoredProvisions
  jobs: Pick<Jobs, 'get'>
  access: AccessParts
  edc: EdcSettings
  notifications: { ends: JobEnds; outbox: Outbox }
  leadership: Leadership
  /**
   * One mutex for each provision: a deprovisioned one must not be written again from an older copy.
   */
  locks: KeyedMutex
  log: Log
  pauses: Pauses
}

/** Notifies connectors of the outcome of their requests, each after its request was answered. */
export class ConnectorCallbacks {
  readonly #parts: ConnectorCallbacksParts
  readonly #closing = new AbortController()
  #sweeping: Promise<void> = Promise.resolve()

  constructor(parts: ConnectorCallbacksParts) {
    this.#parts = parts
    const { notifications, provisions, access, edc } = parts
    notifications.ends.register({
      kind: provisionConsumerKind,
      jobEnded: (job, { id }) => this.#jobEnded(job, id),
    })
    const failed = (provision: Provision, reason: string) => this.#failed(provision, reason)
    const told = async (id: string) => {
      await this.#mark(id, 'told_at')
    }
    for (const kind of [provisionedKind, terminateKind, deprovisionedKind]) {
      notifications.outbox.register(kind({ provisions, access, edc, failed, told }))
    }
  }

  start(): void {
    this.#sweeping = this.#sweepUntilClosed()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#sweeping
  }

  /**
   * Called before the answer: if this process ends, another one continues. Resolves with the entry
   * to remove.
   */
  plan(id: string): Promise<() => Promise<void>> {
    const { provisions, pauses } = this.#parts
    return provisions.plan(id, Date.now() + pauses.unanswered)
  }

  /**
   * Called after the answer was sent: if the job has ended already, its connector is notified now.
   */
  async answered(id: string, planned: () => Promise<void>): Promise<void> {
    if (await this.#mark(id, 'answered_at')) {
      const { pauses } = this.#parts
      await sleep(pauses.afterAnswer, undefined, { signal: this.#closing.signal })
      await this.#look(id)
    }
    await planned()
  }

  /** Records the time of the answer or callback; false if the provision was deprovisioned. */
  async #mark(id: string, what: 'answered_at' | 'told_at'): Promise<boolean> {
    const { provisions, locks } = this.#parts
    const marked = await locks.locked(id, () =>
      provisions.change(id, (provision) =>
        provision.deprovisioned_at === undefined
          ? { ...provision, [what]: new Date().toISOString() }
          : undefined,
      ),
    )
    return marked !== undefined
  }

  /**
   * Notifies a data plane of the deprovisioning, also of an unknown provision: it waits for this
   * message.
   */
  async deprovisioned(id: string, request: ProvisionRequest): Promise<void> {
    const { generation, callbackAddress } = request
    if (generation !== 'data-plane' || callbackAddress === undefined) return
    const { type: _, ...asked } = request
    await this.#parts.notifications.outbox.add(
      deprovisionedMessage(id, { ...asked, callbackAddress }, Date.now()),
    )
  }

  /** Adds the callback's message if the job has ended. */
  async #look(id: string): Promise<void> {
    const { provisions, jobs } = this.#parts
    const provision = await provisions.read(id)
    if (!provision || provision.deprovisioned_at !== undefined) return
    const job = await jobs.get(provision.uuid)
    if (!job) await this.#failed(provision, `job ${provision.uuid} no longer exists`)
    else if (isFinal(job.state)) await this.#send(provision, job)
  }

  async #jobEnded(job: Job, id: string): Promise<void> {
    const provision = await this.#untilAnswered(id)
    if (provision) await this.#send(provision, job)
  }

  async #send(provision: Provision, job: Job): Promise<void> {
    const failure = failureOf(provision, job)
    if (failure !== undefined) return await this.#failed(provision, failure)
    await this.#parts.notifications.outbox.add(provisionedMessage(provision))
  }

  async #failed(provision: Provision, reason: string): Promise<void> {
    const { notifications, edc, log } = this.#parts
    const { uuid, request } = provision
    const ends = edc.managementUrl !== undefined
    log.error(
      { job: uuid, transfer: request.transfer, reason },
      ends
        ? 'a transfer can not get its data and is terminated'
        : 'a transfer can not get its data and waits for ever: set EDC_MANAGEMENT_URL so that it can be terminated',
    )
    await notifications.outbox.add(terminateTransferMessage(provision, reason, edc))
  }

  /** Undefined if the provision was deprovisioned. */
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
    const { leadership, log, pauses } = this.#parts
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await sleep(pauses.sweep, undefined, { signal, ref: false })
        if (leadership.isLeader()) await this.#sweep()
      } catch (error) {
        if (!signal.aborted)
          log.warn(
            { error: messageOf(error) },
            'unfinished provisions could not be listed; they are tried again',
          )
      }
    }
  }

  async #forget(id: string): Promise<void> {
    const { deprovisioned_at: at } = (await this.#parts.provisions.read(id)) ?? {}
    if (at === undefined || Date.parse(at) > Date.now() - rememberedMilliseconds) return
    await this.#parts.provisions.remove(id)
  }

  /** Continues provisions whose process ended between the answer and the callback. */
  async #sweep(): Promise<void> {
    const { provisions, log } = this.#parts
    for await (const { id, done } of provisions.due(Date.now())) {
      try {
        await this.#untilAnswered(id)
        await this.#look(id)
        await this.#forget(id)
        await done()
      } catch (error) {
        // An unreadable provision must not hold up the others.
        if (this.#closing.signal.aborted) throw error
        log.warn(
          { provision: id, error: messageOf(error) },
          'an unfinished provision could not be read; it is tried again',
        )
      }
    }
  }
}
