import type { ArtifactStore } from '../../artifact/store.ts'
import { putJson, readJson } from '../json-objects.ts'
import type { Attempt, Delivery, DeliveryState, Message, MessageName } from './outbox.ts'

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
  return inOutbox.exec(key)?.[1]
}

export function laneOfJob(job: string): string {
  return `job-${job}`
}

/** What is sent again doesn't wait for what is still to be sent first. */
export function laneOfRepeats(job: string): string {
  return `again-${job}`
}

/** What a key in the outbox or in a history says; undefined for any other. */
export function nameOf(key: string): MessageName | undefined {
  const [, job, ...kept] = inHistory.exec(key) ?? []
  const [lane, seq, id] = job === undefined ? (inOutbox.exec(key)?.slice(1) ?? []) : kept
  if (lane === undefined || id === undefined) return undefined
  const whose = job ?? /^(?:job|again)-(.+)$/.exec(lane)?.[1]
  return { lane, seq: Number(seq), id, ...(whose !== undefined && { job: whose }) }
}

const inOutbox = /^outbox\/([^/]+)\/(\d{12})-([^/]+)\.json$/
const inHistory = /^jobs\/([^/]+)\/callbacks\/([^/]+)-(\d{12})-([^/]+)\.json$/

export function historyPrefix(job: string): string {
  return `jobs/${job}/callbacks/`
}

/** Undefined for a message that is no job's. */
export function historyKey({ job, lane, seq = 0, id }: MessageName): string | undefined {
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
  const { id, kind, event = null, url } = message
  return { id, kind, event, url, created_at, state, next_at, attempts }
}

/** Undefined where there is none, `damaged` where it isn't what was written. */
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

/** Whether it is what was written to that key. */
function isMessageOf(found: Partial<StoredMessage> | null, key: string): found is StoredMessage {
  if (found?.version !== 1 || !Array.isArray(found.attempts)) return false
  const { message } = found
  if (typeof message?.kind !== 'string' || typeof message.url !== 'string') return false
  const { lane, seq = 0, id, job } = message
  return [
    `${outboxPrefix}${lane}/${place(seq)}-${id}.json`,
    historyKey({ lane, seq, id, ...(job !== undefined && { job }) }),
  ].includes(key)
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
