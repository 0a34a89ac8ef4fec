import type { ArtifactStore } from '../../artifact/store.ts'
import { putJson, readJson } from '../json-objects.ts'
import type { Attempt, Delivery, DeliveryState, Message } from './outbox.ts'

/** A message as it lies in the store, in the outbox and in its job's history. */
export interface StoredMessage {
  version: 1
  message: Message
  created_at: string
  state: DeliveryState
  next_at: string | null
  attempts: Attempt[]
  /** All of them, those that are left out of `attempts` too. */
  tries: number
}

export const outboxPrefix = 'outbox/'
const mostAttempts = 100

/** Rejects a message whose names can't be keys: a mistake of who adds it. */
export function outboxKey({ lane, seq = 0, id }: Message): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/.test(lane)) throw new Error(`no name of a lane: ${lane}`)
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(id)) throw new Error(`no id of a message: ${id}`)
  if (!Number.isInteger(seq) || seq < 0 || seq >= 1e12) throw new Error(`no place in a lane: ${seq}`)
  return `${outboxPrefix}${lane}/${place(seq)}-${id}.json`
}

export function laneOf(key: string): string | undefined {
  return /^outbox\/([^/]+)\/\d{12}-[^/]+\.json$/.exec(key)?.[1]
}

export function historyPrefix(job: string): string {
  return `jobs/${job}/callbacks/`
}

/** Undefined for a message that is no job's. */
export function historyKey({ job, lane, seq = 0, id }: Message): string | undefined {
  return job === undefined ? undefined : `${historyPrefix(job)}${lane}-${place(seq)}-${id}.json`
}

export function fresh(message: Message, now: number): StoredMessage {
  return {
    version: 1,
    message,
    created_at: rfc3339(now),
    state: 'pending',
    next_at: rfc3339(now),
    attempts: [],
    tries: 0,
  }
}

export function withAttempt(stored: StoredMessage, attempt: Attempt): StoredMessage {
  const attempts = [...stored.attempts, attempt].slice(-mostAttempts)
  return { ...stored, attempts, tries: stored.tries + 1 }
}

export function deliveryOf({ message, created_at, state, next_at, attempts }: StoredMessage): Delivery {
  const { id, kind, url } = message
  return { id, kind, url, created_at, state, next_at, attempts }
}

/** Undefined where there is none, `damaged` where it isn't what was written. */
export async function readMessage(
  store: ArtifactStore,
  key: string,
): Promise<StoredMessage | undefined | 'damaged'> {
  try {
    const found = (await readJson(store, key)) as Partial<StoredMessage> | null | undefined
    if (found === undefined) return undefined
    return found?.version === 1 && found.message !== undefined ? (found as StoredMessage) : 'damaged'
  } catch (error) {
    if (error instanceof SyntaxError) return 'damaged'
    throw error
  }
}

export async function writeHistory(store: ArtifactStore, stored: StoredMessage): Promise<void> {
  const key = historyKey(stored.message)
  if (key !== undefined) await putJson(store, key, stored)
}

export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

function place(seq: number): string {
  return String(seq).padStart(12, '0')
}
