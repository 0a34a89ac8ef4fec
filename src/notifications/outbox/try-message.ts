import type { Clock } from '../../util/clock.ts'
import type { OutgoingCalls } from '../../util/egress/outgoing-calls.ts'
import { messageOf } from '../../util/errors.ts'
import { type DeliveryAttempt, type MessageKind, MessageWithdrawn, type ReceiverVerdict } from './outbox.ts'
import { nextEndlessTry, nextTry, parseRetryAfter } from './retry-times.ts'
import { type StoredMessage, toTimestamp, withAttempt } from './stored-message.ts'

/** What an attempt needs beside its message. */
export interface AttemptParts {
  kind: MessageKind
  outgoing: OutgoingCalls
  clock: Clock
  signal: AbortSignal
}

/** Makes one attempt; resolves with the message's new state, also if the attempt failed. */
export async function tryMessage(stored: StoredMessage, parts: AttemptParts): Promise<StoredMessage> {
  const began = parts.clock.now()
  const { attempt, verdict, wanted } = await send(stored, parts)
  const now = parts.clock.now()
  const tried = withAttempt(stored, { at: toTimestamp(began), milliseconds: now - began, ...attempt })
  if (verdict === 'delivered') return { ...tried, state: 'delivered', next_at: null }
  if (verdict === 'end') return { ...tried, state: 'rejected', next_at: null }
  const tries = { createdAt: Date.parse(stored.created_at), count: tried.tries, retryAfter: wanted }
  const isEndless = 'deliver' in parts.kind
  const random = Math.random()
  const next = isEndless ? nextEndlessTry(tried.tries, now, random) : nextTry(tries, now, random)
  if (next === undefined) return { ...tried, state: 'given-up', next_at: null }
  return { ...tried, next_at: toTimestamp(next) }
}

/** Keeps a message of an unknown kind: a newer version, or other settings, may have written it and may return. */
export function unknownKind(kind: string): MessageKind {
  const error = new Error(`this version can't send messages of the kind ${kind}`)
  return { kind, deliver: () => Promise.reject(error) }
}

interface Sent {
  attempt: Pick<DeliveryAttempt, 'status' | 'error'>
  verdict: ReceiverVerdict
  /** The receiver's Retry-After in milliseconds. */
  wanted?: number | undefined
}

async function send(
  { message }: StoredMessage,
  { kind, outgoing, clock, signal }: AttemptParts,
): Promise<Sent> {
  try {
    if ('deliver' in kind) {
      await kind.deliver(message, signal)
      return { attempt: { status: null, error: null }, verdict: 'delivered' }
    }
    const prepared = await kind.prepare(message)
    const { status, headers } = await outgoing.send({ ...prepared, signal })
    const verdict = kind.judge?.(status) ?? judge(status)
    const wanted = parseRetryAfter(headers['retry-after'], clock.now())
    return { attempt: { status, error: null }, verdict, wanted }
  } catch (error) {
    signal.throwIfAborted()
    const verdict = error instanceof MessageWithdrawn ? 'end' : 'again'
    return { attempt: { status: null, error: messageOf(error).slice(0, 500) }, verdict }
  }
}

function judge(status: number): ReceiverVerdict {
  if (status >= 200 && status < 300) return 'delivered'
  return status === 410 ? 'end' : 'again'
}
