import { LRUCache } from 'lru-cache'
import type { Leadership } from '../../job/leadership.ts'
import { putJson } from '../../store/json-objects.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { backoff } from '../../util/backoff.ts'
import { type Clock, systemClock } from '../../util/clock.ts'
import type { OutgoingCalls } from '../../util/egress/outgoing-calls.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import type { Metrics } from '../../util/metrics.ts'
import { Scheduler } from '../../util/scheduler.ts'
import { Semaphore } from '../../util/semaphore.ts'
import { restoreOrSetAside } from './damaged.ts'
import { type Lane, Lanes } from './lanes.ts'
import { hostOf, logAttempt } from './log-attempt.ts'
import type { Message, MessageKind } from './outbox.ts'
import { sendingLimits } from './sending-limits.ts'
import {
  deliveryOf,
  laneOfKey,
  outboxPrefix,
  readMessage,
  type StoredMessage,
  writeHistory,
} from './stored-message.ts'
import { tryMessage, unknownKind } from './try-message.ts'

/** After a failure of the store, before a lane goes on. */
const storeRetryDelay = backoff({ first: 500, max: 60_000 })

export interface SenderParts {
  store: ArtifactStore
  outgoing: OutgoingCalls
  log: Log
  metrics: Metrics
  leadership: Leadership
  kinds: ReadonlyMap<string, MessageKind>
  /**
   * True while add() still checks whether the message was sent: a listing must not take it up
   * meanwhile.
   */
  isHeld(key: string): boolean
  /**
   * Whether the job's history is still kept. A message sent after the job's deletion must not
   * create objects again.
   */
  keepsHistory(job: string): Promise<boolean>
  /** Milliseconds between two listings, which find messages of other replicas. */
  every?: number
  clock?: Clock
}

/** A message to the leader: the lane that `data` names is sent at once. */
export const hurryKind = 'hurry'

/** Sends the outbox's messages while this process leads: each lane's first when it is due. */
export class Sender {
  readonly #parts: SenderParts
  readonly #lanes = new Lanes()
  readonly #clock: Clock
  readonly #queue: Scheduler
  readonly #calls = new Semaphore(sendingLimits.calls, sendingLimits.callsToOneHost)
  readonly #reads = new Semaphore(sendingLimits.reads)
  /** Keys finished lately: an older listing or another add() may still bring them. */
  readonly #sent = new LRUCache<string, true>({ max: 10_000 })
  readonly #closing = new AbortController()
  /** Ends the calls under way. */
  readonly #ending = new AbortController()
  /** Whether all was listed since this process leads: before, a lane may have earlier messages. */
  #listed = false
  #sweeping: Promise<void> = Promise.resolve()
  #unsubscribe: (() => void) | undefined

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#queue = new Scheduler(this.#clock)
  }

  start(): void {
    this.#unsubscribe = this.#parts.leadership.onChange((isLeader) => {
      // Another leader sends the same messages meanwhile: what is known of them is outdated.
      this.#lanes.clear()
      this.#listed = false
      if (isLeader) this.#sweep()
    })
    this.#sweep()
  }

  /** Takes up a message; `stored` is its content if the caller knows it. */
  notice(key: string, stored?: StoredMessage): void {
    const name = laneOfKey(key)
    if (name === undefined || this.#sent.has(key)) return
    if (this.#closing.signal.aborted || !this.#parts.leadership.isLeader()) return
    const lane = this.#lanes.put(name, key)
    if (stored && lane.keys[0] === key && !lane.busy) lane.head ??= { key, stored }
    this.#plan(lane)
  }

  /** True if the message is finished; known of the newest 10,000. */
  hasSent(key: string): boolean {
    return this.#sent.has(key)
  }

  /**
   * Begins no further call. Calls under way are aborted after 3 s; the next process repeats their
   * messages.
   */
  async close(): Promise<void> {
    this.#unsubscribe?.()
    this.#closing.abort()
    const cancel = this.#clock.setTimeout(() => this.#ending.abort(), sendingLimits.lastCallsMs)
    await Promise.all([this.#queue.close(), this.#sweeping])
    cancel()
  }

  #sweep(): void {
    if (this.#closing.signal.aborted) return
    this.#sweeping = this.#sweeping.then(() => this.#look())
    const due = this.#clock.now() + (this.#parts.every ?? sendingLimits.listEveryMs)
    this.#queue.set('sweep', due, () => this.#sweep())
  }

  async #look(): Promise<void> {
    const { store, log, leadership, isHeld } = this.#parts
    const { signal } = this.#closing
    if (!leadership.isLeader() || signal.aborted) return
    try {
      for await (const { key } of store.list(outboxPrefix, { signal })) {
        if (!isHeld(key)) this.notice(key)
      }
      this.#listed = true
      for (const lane of this.#lanes.all()) this.#plan(lane)
    } catch (error) {
      if (!signal.aborted)
        log.warn({ error: messageOf(error) }, 'the outbox could not be listed; it is tried again')
    }
  }

  #plan(lane: Lane, delay = 0): void {
    if (!this.#listed || lane.busy || !this.#lanes.isCurrent(lane)) return
    const next = lane.hurried ? undefined : lane.head?.stored.next_at
    const due = next ? Date.parse(next) : this.#clock.now()
    this.#queue.set(`lane ${lane.name}`, Math.max(due, this.#clock.now() + delay), () => this.#run(lane))
  }

  async #run(lane: Lane): Promise<void> {
    const { log } = this.#parts
    const [key] = lane.keys
    if (lane.busy || key === undefined || !this.#lanes.isCurrent(lane)) return
    lane.busy = true
    let delay = 0
    try {
      const found = lane.head?.key === key ? lane.head.stored : await this.#read(key)
      if (!this.#maySend()) return
      const stored = found === 'damaged' ? await this.#restored(key) : found
      if (stored === undefined) this.#lanes.drop(lane, key)
      else await this.#goOn(lane, key, stored)
      lane.failures = 0
    } catch (error) {
      delay = storeRetryDelay(++lane.failures)
      if (!this.#closing.signal.aborted)
        log.warn({ key, error: messageOf(error) }, 'a message could not be sent; it is tried again')
    } finally {
      lane.busy = false
    }
    if (!this.#closing.signal.aborted) this.#plan(lane, delay)
  }

  async #read(key: string): ReturnType<typeof readMessage> {
    const free = await this.#reads.acquire()
    try {
      return await readMessage(this.#parts.store, key)
    } finally {
      free()
    }
  }

  async #restored(key: string): Promise<StoredMessage | undefined> {
    const restored = await restoreOrSetAside(this.#parts, key)
    if (restored === undefined)
      this.#parts.log.error({ key }, 'a message is damaged: it is set aside and not sent')
    return restored
  }

  #maySend(): boolean {
    return this.#parts.leadership.isLeader() && !this.#closing.signal.aborted
  }

  async #goOn(lane: Lane, key: string, stored: StoredMessage): Promise<void> {
    const { kinds, leadership } = this.#parts
    lane.head = { key, stored }
    if (stored.state !== 'pending') return this.#settle(lane, key, stored)
    if (stored.message.kind === hurryKind) return this.#hurry(lane, key, stored.message)
    if (!lane.hurried && Date.parse(stored.next_at ?? '') > this.#clock.now()) return
    lane.hurried = false
    const kind = kinds.get(stored.message.kind) ?? unknownKind(stored.message.kind)
    const attempted = await this.#try(stored, kind)
    // Another leader may have sent and removed the message: this would bring it back, or end it.
    const leads = leadership.isLeader() && this.#lanes.isCurrent(lane)
    if (attempted === undefined || (attempted.state !== 'delivered' && !leads)) return
    // Kept in memory before it is written: while the store is away the message must not be sent
    // again.
    lane.head = { key, stored: attempted }
    this.#parts.metrics.deliveryAttempts.inc({ kind: kind.kind, state: attempted.state })
    logAttempt(this.#parts.log, attempted)
    if (attempted.state !== 'pending') return this.#settle(lane, key, attempted)
    await putJson(this.#parts.store, key, attempted)
    if (await this.#keepsHistory(attempted)) await writeHistory(this.#parts.store, attempted)
  }

  async #keepsHistory({ message: { job } }: StoredMessage): Promise<boolean> {
    return job !== undefined && (await this.#parts.keepsHistory(job))
  }

  /** Undefined if this process is no longer the leader when a slot is free. */
  async #try(stored: StoredMessage, kind: MessageKind): Promise<StoredMessage | undefined> {
    const free = await this.#calls.acquire(hostOf(stored.message.url))
    try {
      if (!this.#maySend()) return undefined
      const { outgoing } = this.#parts
      return await tryMessage(stored, { kind, outgoing, clock: this.#clock, signal: this.#ending.signal })
    } finally {
      free()
    }
  }

  /** Has the first message of the named lane sent at once. */
  async #hurry(lane: Lane, key: string, { data }: Message): Promise<void> {
    const hurried = this.#lanes.get(String(data))
    if (hurried) {
      hurried.hurried = true
      this.#plan(hurried)
    }
    await this.#parts.store.remove([key])
    this.#lanes.drop(lane, key)
  }

  /** Finishes a message. Each step is idempotent, so a restart continues without sending again. */
  async #settle(lane: Lane, key: string, stored: StoredMessage): Promise<void> {
    const { store, kinds } = this.#parts
    // At once, since the lane's next message waits for both.
    const [keepsHistory] = await Promise.all([this.#keepsHistory(stored), putJson(store, key, stored)])
    await kinds.get(stored.message.kind)?.onEnd?.(stored.message, deliveryOf(stored))
    if (keepsHistory) await writeHistory(store, stored)
    this.#sent.set(key, true)
    await store.remove([key])
    this.#lanes.drop(lane, key)
  }
}
