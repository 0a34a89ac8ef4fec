import { LRUCache } from 'lru-cache'
import type { ArtifactStore } from '../../artifact/store.ts'
import { messageOf } from '../../errors.ts'
import { DueQueue } from '../../lifecycle/due-queue.ts'
import { Slots } from '../../lifecycle/slots.ts'
import type { Log } from '../../log.ts'
import { putJson } from '../json-objects.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import { restoreOrSetAside } from './damaged.ts'
import { type Lane, Lanes } from './lanes.ts'
import type { Message, MessageKind } from './outbox.ts'
import {
  deliveryOf,
  laneOf,
  outboxPrefix,
  readMessage,
  type StoredMessage,
  writeHistory,
} from './stored-message.ts'
import { tryMessage, unknownKind } from './try-message.ts'

export interface SenderParts {
  store: ArtifactStore
  outgoing: Outgoing
  log: Log
  lease: Lease
  kinds: ReadonlyMap<string, MessageKind>
  /** It may turn out to be sent already, so it isn't taken up from a listing. */
  isHeld(key: string): boolean
  /** Whether a job's history is kept still: what is sent after its deletion must bring no object of it back. */
  keepsHistory(job: string): Promise<boolean>
  /** How often messages of other replicas are looked for, in milliseconds. */
  every?: number
}

/** Of JobBackend. */
export interface Lease {
  holdsLease(): boolean
  onLease(listener: (held: boolean) => void): () => void
}

/** A message to whichever replica sends: `data` is the name of the lane that is not to wait. */
export const hurryKind = 'hurry'

const everyMs = 5_000
const mostAtOnce = 200
/** A receiver that hangs must leave room for the others. */
const mostToOneHost = 40
const mostReadAtOnce = 50
/** Who takes a message while this process ends shall not get it again from the next one. */
const lastCallsMs = 3_000

/** Sends what lies in the outbox, where this process holds the Lease: each lane's first message when it is due. */
export class Sender {
  readonly #parts: SenderParts
  readonly #lanes = new Lanes()
  readonly #queue = new DueQueue()
  readonly #calls = new Slots(mostAtOnce, mostToOneHost)
  readonly #reads = new Slots(mostReadAtOnce)
  /** What was done lately: a listing or another add may be behind. */
  readonly #sent = new LRUCache<string, true>({ max: 10_000 })
  readonly #closing = new AbortController()
  /** Ends the calls under way. */
  readonly #ending = new AbortController()
  #sweeping: Promise<void> = Promise.resolve()
  #endLease: (() => void) | undefined

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  start(): void {
    this.#endLease = this.#parts.lease.onLease((held) => {
      // Whoever holds it meanwhile goes on with the same messages.
      this.#lanes.clear()
      if (held) this.#sweep()
    })
    this.#sweep()
  }

  /** There is a message; `stored` where it is known already. */
  notice(key: string, stored?: StoredMessage): void {
    const name = laneOf(key)
    if (name === undefined || this.#sent.has(key)) return
    if (this.#closing.signal.aborted || !this.#parts.lease.holdsLease()) return
    const lane = this.#lanes.put(name, key)
    if (stored && lane.keys[0] === key && !lane.busy) lane.head ??= { key, stored }
    this.#plan(lane)
  }

  /** Nothing more is sent of it; known of the newest ones. */
  hasSent(key: string): boolean {
    return this.#sent.has(key)
  }

  /**
   * Begins no further call; those under way are ended after 3 s, their messages are sent again by the next process.
   */
  async close(): Promise<void> {
    this.#endLease?.()
    this.#closing.abort()
    const timer = setTimeout(() => this.#ending.abort(), lastCallsMs)
    await Promise.all([this.#queue.close(), this.#sweeping])
    clearTimeout(timer)
  }

  #sweep(): void {
    const { signal } = this.#closing
    if (signal.aborted) return
    const before = this.#sweeping
    this.#sweeping = before.then(() => this.#look())
    this.#queue.set('sweep', Date.now() + (this.#parts.every ?? everyMs), () => this.#sweep())
  }

  async #look(): Promise<void> {
    const { store, log, lease, isHeld } = this.#parts
    const { signal } = this.#closing
    if (!lease.holdsLease() || signal.aborted) return
    try {
      for await (const { key } of store.list(outboxPrefix, { signal })) {
        if (!isHeld(key)) this.notice(key)
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ error: messageOf(error) }, 'what is to be sent could not be listed')
    }
  }

  #plan(lane: Lane, delay = 0): void {
    if (lane.busy || !this.#lanes.isCurrent(lane)) return
    const next = lane.hurried ? undefined : lane.head?.stored.next_at
    const due = next ? Date.parse(next) : Date.now()
    this.#queue.set(`lane ${lane.name}`, Math.max(due, Date.now() + delay), () => this.#run(lane))
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
      delay = Math.min(60_000, 500 * 2 ** lane.failures++)
      if (!this.#closing.signal.aborted) log.warn({ key, error: messageOf(error) }, 'sending is tried again')
    } finally {
      lane.busy = false
    }
    if (!this.#closing.signal.aborted) this.#plan(lane, delay)
  }

  async #read(key: string): ReturnType<typeof readMessage> {
    const free = await this.#reads.take()
    try {
      return await readMessage(this.#parts.store, key)
    } finally {
      free()
    }
  }

  async #restored(key: string): Promise<StoredMessage | undefined> {
    const restored = await restoreOrSetAside(this.#parts, key)
    if (restored === undefined)
      this.#parts.log.error({ key }, 'not what was written: it is set aside and not sent')
    return restored
  }

  #maySend(): boolean {
    return this.#parts.lease.holdsLease() && !this.#closing.signal.aborted
  }

  async #goOn(lane: Lane, key: string, stored: StoredMessage): Promise<void> {
    const { kinds, lease } = this.#parts
    lane.head = { key, stored }
    if (stored.state !== 'pending') return this.#settle(lane, key, stored)
    if (stored.message.kind === hurryKind) return this.#hurry(lane, key, stored.message)
    if (!lane.hurried && Date.parse(stored.next_at ?? '') > Date.now()) return
    lane.hurried = false
    const kind = kinds.get(stored.message.kind) ?? unknownKind(stored.message.kind)
    const tried = await this.#try(stored, kind)
    if (tried === undefined) return
    // Before it is written down: a store that is away must not make it sent again.
    lane.head = { key, stored: tried }
    this.#tell(tried)
    if (tried.state !== 'pending') return this.#settle(lane, key, tried)
    // Whoever holds it meanwhile may have sent and removed the message: this would bring it back.
    if (!lease.holdsLease()) return
    await putJson(this.#parts.store, key, tried)
    if (await this.#keepsHistory(tried)) await writeHistory(this.#parts.store, tried)
  }

  async #keepsHistory({ message: { job } }: StoredMessage): Promise<boolean> {
    return job !== undefined && (await this.#parts.keepsHistory(job))
  }

  /** Undefined where that is another process's business when its turn comes. */
  async #try(stored: StoredMessage, kind: MessageKind): Promise<StoredMessage | undefined> {
    const free = await this.#calls.take(hostOf(stored.message.url))
    try {
      if (!this.#maySend()) return undefined
      return await tryMessage(stored, kind, this.#parts.outgoing, this.#ending.signal)
    } finally {
      free()
    }
  }

  /** Another lane's first message is not to wait any longer. */
  async #hurry(lane: Lane, key: string, { data }: Message): Promise<void> {
    const hurried = this.#lanes.get(String(data))
    if (hurried) {
      hurried.hurried = true
      this.#plan(hurried)
    }
    await this.#parts.store.remove([key])
    this.#lanes.drop(lane, key)
  }

  /** Each step idempotent: begun again it finishes, without sending anything. */
  async #settle(lane: Lane, key: string, stored: StoredMessage): Promise<void> {
    const { store, kinds } = this.#parts
    // Both at once: the next message of its lane waits for it.
    const [keepsHistory] = await Promise.all([this.#keepsHistory(stored), putJson(store, key, stored)])
    await kinds.get(stored.message.kind)?.onEnd?.(stored.message, deliveryOf(stored))
    if (keepsHistory) await writeHistory(store, stored)
    this.#sent.set(key, true)
    await store.remove([key])
    this.#lanes.drop(lane, key)
  }

  #tell({ message: { kind, id, job, url }, state, attempts, next_at }: StoredMessage): void {
    const { status, error } = attempts.at(-1) ?? {}
    const line = { job, kind, message: id, to: hostOf(url), state, status, error, next_at }
    if (state === 'delivered') this.#parts.log.info(line, 'sent')
    else this.#parts.log.warn(line, 'sending failed')
  }
}

/** A URL's path and query may be what its receiver takes for a password. */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}
