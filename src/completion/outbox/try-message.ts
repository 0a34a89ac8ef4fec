import { messageOf } from '../../errors.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import { type Attempt, type MessageKind, MessageWithdrawn, type Verdict } from './outbox.ts'
import { nextTry, retryAfter } from './pauses.ts'
import { rfc3339, type StoredMessage, withAttempt } from './stored-message.ts'

/** Sends a message once; resolves with what is known of it then, whatever happens. */
export async function tryMessage(
  stored: StoredMessage,
  kind: MessageKind,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<StoredMessage> {
  const began = Date.now()
  const { attempt, verdict, wanted } = await send(stored, kind, outgoing, signal)
  const now = Date.now()
  const tried = withAttempt(stored, { at: rfc3339(began), milliseconds: now - began, ...attempt })
  if (verdict === 'delivered') return { ...tried, state: 'delivered', next_at: null }
  if (verdict === 'end') return { ...tried, state: 'rejected', next_at: null }
  const tries = { createdAt: Date.parse(stored.created_at), count: tried.tries, retryAfter: wanted }
  const next = nextTry(tries, now, Math.random())
  if (next === undefined) return { ...tried, state: 'given-up', next_at: null }
  return { ...tried, next_at: rfc3339(next) }
}

/** Of another version perhaps, which may come back; what it can't send is seen in the history. */
export function unknownKind(kind: string): MessageKind {
  const error = new Error(`nothing here sends messages of the kind ${kind}`)
  return { kind, prepare: () => Promise.reject(error) }
}

interface Sent {
  attempt: Pick<Attempt, 'status' | 'error'>
  verdict: Verdict
  /** Milliseconds that the receiver wants to be left alone. */
  wanted?: number | undefined
}

async function send(
  { message }: StoredMessage,
  kind: MessageKind,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<Sent> {
  try {
    const prepared = await kind.prepare(message)
    const { status, headers } = await outgoing.send({ ...prepared, signal })
    const verdict = kind.judge?.(status) ?? judge(status)
    const wanted = retryAfter(headers['retry-after'], Date.now())
    return { attempt: { status, error: null }, verdict, wanted }
  } catch (error) {
    signal.throwIfAborted()
    const verdict = error instanceof MessageWithdrawn ? 'end' : 'again'
    return { attempt: { status: null, error: messageOf(error).slice(0, 500) }, verdict }
  }
}

function judge(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered'
  return status === 410 ? 'end' : 'again'
}
