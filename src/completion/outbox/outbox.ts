/** What a message is called, in the outbox and in a history. */
export type MessageName = Pick<Message, 'lane' | 'seq' | 'id' | 'job'>

/** Something that is to be sent: durable from add() on, in order within its lane, at least once. */
export interface Message {
  /**
   * Deterministic, so that adding it again adds nothing: of letters, digits, `-` and `_`, at most 100. It has to
   * differ for a later job of the same uuid (its `created_at` in it does that).
   */
  id: string
  /** What is sent one after another: `job-<uuid>`, `flow-<id>`; of letters, digits, `-`, `_`, `.`, at most 200. */
  lane: string
  /** Its place in the lane, from 0 to 10^12 - 1, as deterministic as `id`; default 0. Equal ones are ordered by `id`. */
  seq?: number
  /** The name of a registered MessageKind. */
  kind: string
  /** What is told, where its kind tells of several things: `job.succeeded`. For whoever reads the history. */
  event?: string
  /** The job's uuid: its history is kept with that job and is on GET /job/:id/callbacks. */
  job?: string
  url: string
  /** JSON. No secrets: it lies in the store. */
  data: unknown
}

/** What a message became; `at`, `created_at` in RFC 3339. */
export interface Delivery {
  id: string
  kind: string
  /** Null where its kind says it all, or where that isn't known. */
  event: string | null
  url: string
  created_at: string
  state: DeliveryState
  /** When it is tried next; null where it isn't. */
  next_at: string | null
  /** The newest 100. */
  attempts: Attempt[]
}

/**
 * - `pending`: to be sent, or sent again
 * - `delivered`
 * - `rejected`: the receiver wants none of it (judge() said `end`), or nothing is to be sent any more
 * - `given-up`: for 24 hours nobody took it
 */
export type DeliveryState = 'pending' | 'delivered' | 'rejected' | 'given-up'

export interface Attempt {
  at: string
  milliseconds: number
  /** Null where there was no answer; then `error` says why. */
  status: number | null
  error: string | null
}

/** `again`: it is tried again after a growing pause, or after the receiver's Retry-After. */
export type Verdict = 'delivered' | 'again' | 'end'

export interface PreparedMessage {
  method: 'POST' | 'PUT' | 'DELETE'
  url: string
  headers: Record<string, string>
  body: string
  /** As OutgoingRequest.trusted. */
  trusted?: boolean
}

/** Nothing is to be sent any more; why stands in the message's history. */
export class MessageWithdrawn extends Error {
  override name = 'MessageWithdrawn'
}

/** How messages of one kind are sent. */
export interface MessageKind {
  readonly kind: string
  /**
   * Called for each try: signatures, tokens and secrets are made here. A rejection counts as a failed try; with
   * MessageWithdrawn it ends as `rejected`.
   */
  prepare(message: Message): Promise<PreparedMessage>
  /** Default: 2xx is delivered, 410 the end, everything else `again`. */
  judge?(status: number): Verdict
  /** Once nothing more is sent; idempotent: called again until it resolves, over restarts. */
  onEnd?(message: Message, delivery: Delivery): Promise<void>
  /**
   * The message of that name, for one that the store doesn't have as it was written; undefined for others' and where
   * not all that it says is known from elsewhere.
   */
  remake?(name: MessageName): Promise<Message | undefined>
}

/** Messages on their way, in the store, sent by the replica that holds the Lease. */
export interface Outbox {
  /** Before start(). */
  register(kind: MessageKind): void

  /**
   * Resolves once the message is durable; sending begins at once where this process holds the Lease, else within
   * seconds. Adds nothing where there is one of that lane, seq and id, or where the job's history has it. Rejects
   * with StoreError.
   */
  add(message: Message): Promise<void>

  /** What was sent for a job, or will be, the oldest first. Rejects with StoreError. */
  history(job: string): Promise<Delivery[]>

  /**
   * Keys of messages that were not what had been written: they were moved there, so that what is behind them is sent. At
   * most 100. Rejects with StoreError, or with the signal's reason.
   */
  damaged(signal: AbortSignal): Promise<string[]>

  /**
   * Sends a job's newest message of that kind again, or at once where it still is to be sent; undefined where there is
   * none. Resolves with it as it was, once that is durable. Rejects with StoreError.
   */
  again(job: string, kind: string): Promise<Delivery | undefined>
}
