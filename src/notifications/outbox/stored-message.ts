import { putJson, readJson } from '../../store/json-objects.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'
import type { Delivery, DeliveryAttempt, DeliveryState, Message, MessageName } from './outbox.ts'

/** A message as it lies in the store, in the outbox and in its job's history. */
export interface StoredMessage {
  version: 1
  message: Message
  created_at: string
  state: DeliveryState
  next_at: string | null
  attempts: DeliveryAttempt[]
  /** Number of all attempts; `attempts` holds the newest 100. */
  tries: number
}

export const outboxPrefix = 'outbox/'
const mostAttempts = 100

/** Throws if the message's names can't be part of a key, which is a mistake of the caller. */
export function outboxKey({ lane, seq = 0, id }: Message): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/.test(lane)) throw new Error(`invalid lane name: ${lane}`)
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(id)) throw new Error(`invalid message id: ${id}`)
  if (!Number.isInteger(seq) || seq < 0 || seq >= 1e12) throw new Error(`invalid position in a lane: ${seq}`)
  return `${outboxPrefix}${lane}/${place(seq)}-${id}.json`
}

export function laneOfKey(key: string): string | undefined {
  return inOutbox.exec(key)?.[1]
}

export function laneOfJob(job: string): string {
  return `job-${job}`
}

/** The lane of repeated messages, which do not wait for unsent ones. */
export function laneOfRepeats(job: string): string {
  return `again-${job}`
}

/** The name in a key of the outbox or of a history; undefined for every other key. */
export function messageNameOf(key: string): MessageName | undefined {
  const [, job, ...kept] = inHistory.exec(key) ?? []
  const [lane, seq, id] = job === undefined ? (inOutbox.exec(key)?.slice(1) ?? []) : kept
  if (lane === undefined || id === undefined) return undefined
  const whose = job ?? /^(?:job|again)-(.+)$/.exec(lane)?.[1]
  return { lane, seq: Number(seq), id, ...defined({ job: whose }) }
}

const inOutbox = /^outbox\/([^/]+)\/(\d{12})-([^/]+)\.json$/
const inHistory = /^jobs\/([^/]+)\/callbacks\/([^/]+)-(\d{12})-([^/]+)\.json$/

export function historyPrefix(job: string): string {
  return `jobs/${job}/callbacks/`
}

/** Undefined for a message without a job. */
export function historyKey({ job, lane, seq = 0, id }: MessageName): string | undefined {
  return job === undefined ? undefined : `${historyPrefix(job)}${lane}-${place(seq)}-${id}.json`
}

export function newStoredMessage(message: Message, now: number): StoredMessage {
  return {
    version: 1,
    message,
    created_at: toTimestamp(now),
    state: 'pending',
    next_at: toTimestamp(now),
    attempts: [],
    tries: 0,
  }
}

export function withAttempt(stored: StoredMessage, attempt: DeliveryAttempt): StoredMessage {
  const attempts = [...stored.attempts, attempt].slice(-mostAttempts)
  return { ...stored, attempts, tries: stored.tries + 1 }
}

export function deliveryOf({ message, created_at, state, next_at, attempts }: StoredMessage): Delivery {
  const { id, kind, event = null, url } = message
  return { id, kind, event, url, created_at, state, next_at, attempts }
}

/** Undefined if there is no such object, `damaged` if its content is not a message of that key. */
export async function readMessage(
  store: ArtifactStore,
  key: string,
): Promise<StoredMessage | undefined | 'damaged'> {
  try {
    const found = (await readJson(store, key)) as Partial<StoredMessage> | null | undefined
    if (found === undefined) return undefined
    return isMessageOf(found, key) ? found : 'damaged'
  } catch (error) {
    if (error instanceof SyntaxError) return 'damaged'
    throw error
  }
}

/** True if the content is a message whose names lead to this key. */
function isMessageOf(found: Partial<StoredMessage> | null, key: string): found is StoredMessage {
  if (found?.version !== 1 || !Array.isArray(found.attempts)) return false
  const { message } = found
  if (typeof message?.kind !== 'string' || typeof message.url !== 'string') return false
  const { lane, seq = 0, id, job } = message
  return [
    `${outboxPrefix}${lane}/${place(seq)}-${id}.json`,
    historyKey({ lane, seq, id, ...defined({ job }) }),
  ].includes(key)
}

export async function writeHistory(store: ArtifactStore, stored: StoredMessage): Promise<void> {
  const key = historyKey(stored.message)
  if (key !== undefined) await putJson(store, key, stored)
}

export function toTimestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

function place(seq: number): string {
  return String(seq).padStart(12, '0')
}
