/** The parts of a message that make up its key in the outbox and in a history. */
export type MessageName = Pick<Message, 'lane' | 'seq' | 'id' | 'job'>

/**
 * A message to an outside receiver: durable from add() on, sent at least once, in order within its
 * lane.
 */
export interface Message {
  /**
   * Deterministic, so that adding it again adds nothing: of letters, digits, `-` and `_`, at most
   * 100. It has to differ for a later job of the same uuid (its `created_at` in it does that).
   */
  id: string
  /**
   * Messages of one lane are sent one after another: `job-<uuid>`, `flow-<id>`; at most 200 of
   * letters, digits, `-_.`
   */
  lane: string
  /**
   * Its place in the lane, from 0 to 10^12 - 1, as deterministic as `id`; default 0. Equal ones are
   * ordered by `id`.
   */
  seq?: number
  /** The name of a registered MessageKind. */
  kind: string
  /** The event, if its kind has several: `job.succeeded`. Shown in the history. */
  event?: string
  /** The job's uuid: its history is kept with that job and is on GET /job/:id/callbacks. */
  job?: string
  url: string
  /** JSON. No secrets: it lies in the store. */
  data: unknown
}

/** A message's delivery as the history shows it; times in RFC 3339. */
export interface Delivery {
  id: string
  kind: string
  /** Null if its kind has one event only, or if the event is unknown. */
  event: string | null
  url: string
  created_at: string
  state: DeliveryState
  /** Time of the next attempt; null if there will be none. */
  next_at: string | null
  /** The newest 100. */
  attempts: DeliveryAttempt[]
}

/**
 * - `pending`: waits for its first or a further attempt
 * - `delivered`
 * - `rejected`: the receiver refused it for good (judge() said `end`), or it was withdrawn
 * - `given-up`: all attempts of 24 hours failed (calls over HTTP only)
 */
export type DeliveryState = 'pending' | 'delivered' | 'rejected' | 'given-up'

export interface DeliveryAttempt {
  at: string
  milliseconds: number
  /** The HTTP status; null if there was no answer (then `error` says why), and for other ways. */
  status: number | null
  error: string | null
}

/** `again`: a further attempt follows after a backoff, or after the receiver's Retry-After. */
export type ReceiverVerdict = 'delivered' | 'again' | 'end'

export interface PreparedMessage {
  method: 'POST' | 'PUT' | 'DELETE'
  url: string
  headers: Record<string, string>
  body: string
  /** As OutgoingRequest.trusted. */
  trusted?: boolean
}

/** The message is not to be sent; the error's text is shown in its history. */
export class MessageWithdrawn extends Error {
  override name = 'MessageWithdrawn'
}

/** How messages of one kind are sent, judged and finished. */
export type MessageKind = CalledKind | DeliveredKind

/** A kind whose messages are sent by calls over HTTP. */
export interface CalledKind extends KindOfMessage {
  /**
   * Builds the request of each attempt, with its signature and secrets. A rejection counts as a
   * failed attempt; MessageWithdrawn ends the message as `rejected`.
   */
  prepare(message: Message): Promise<PreparedMessage>
  /** Default: 2xx is `delivered`, 410 is `end`, every other status is `again`. */
  judge?(status: number): ReceiverVerdict
}

/** A kind whose messages are sent in another way, and tried until that succeeds. */
export interface DeliveredKind extends KindOfMessage {
  /**
   * Resolves once the receiver has the message. A rejection counts as a failed attempt; the time
   * before it resolves does not.
   */
  deliver(message: Message, signal: AbortSignal): Promise<void>
}

interface KindOfMessage {
  readonly kind: string
  /**
   * Called after the last attempt, again until it resolves, also after restarts; must be
   * idempotent.
   */
  onEnd?(message: Message, delivery: Delivery): Promise<void>
  /**
   * Builds a message again whose copy in the store is damaged; undefined for names of other kinds
   * and if its content is not known from elsewhere.
   */
  remake?(name: MessageName): Promise<Message | undefined>
}

/** Unsent messages, kept in the store and sent by the leader. */
export interface Outbox {
  /** Before start(). */
  register(kind: MessageKind): void

  /**
   * Resolves once the message is durable; the leader sends it at once, from another process within
   * seconds. A message with the same lane, seq and id is added once only, also if the job's history
   * has it. Rejects with StoreError.
   */
  add(message: Message): Promise<void>

  /** The job's deliveries, sent and unsent, oldest first. Rejects with StoreError. */
  history(job: string): Promise<Delivery[]>

  /**
   * Keys of damaged messages that were moved aside so that their lanes go on; at most 100. Rejects
   * with StoreError or the signal's reason.
   */
  damaged(signal: AbortSignal): Promise<string[]>

  /**
   * Repeats a job's newest message of that kind, or sends it at once if it is unsent; undefined if
   * there is none. Resolves with its delivery so far once the repetition is durable. Rejects with
   * StoreError.
   */
  again(job: string, kind: string): Promise<Delivery | undefined>
}
