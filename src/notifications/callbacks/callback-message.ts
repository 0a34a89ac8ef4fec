import { createHash } from 'node:crypto'
import { type EventType, finalEventTypes } from '../../job/event-type.ts'
import { isFinal, type Job, states } from '../../job/job.ts'
import { withLinks } from '../../job/links.ts'
import type { Message } from '../outbox/outbox.ts'

export const callbackKind = 'callback'

/** The callback that a job's deployer asked for: `jobs/<uuid>/consumers/callback-1.json`. */
export interface Callback {
  url: string
  events: readonly EventType[]
  /**
   * Name of the API token that deployed the job; its secrets sign. Null for a caller without a
   * token.
   */
  token: string | null
  /** True after the receiver answered 410: nothing more is sent. */
  gone?: boolean
}

/** The message's data in the outbox; each attempt sends exactly the same `body`. */
export interface CallbackData {
  webhookId: string
  body: string
  token: string | null
  /**
   * True if the callback asks for more events than the end: an earlier one may have been answered
   * 410.
   */
  oneOfMany: boolean
}

/** The event of the job's present state. */
export function eventOf(job: Job): EventType {
  return `job.${job.state}`
}

/** One lane for each job: its callbacks are sent in order. */
export function callbackLane(uuid: string): string {
  return `job-${uuid}`
}

/**
 * The message of a job's present state. It is deterministic for each state of each attempt, so that
 * building it again, also on another replica, adds nothing.
 */
export function callbackMessage(job: Job, callback: Callback, now: number, publicUrl?: string): Message {
  const { job_uuid: uuid, created_at: created } = job
  const place = placeOf(job)
  const digest = createHash('sha256').update(`${uuid} ${created} ${place}`).digest('hex')
  const type = eventOf(job)
  const webhookId = `msg_${digest.slice(0, 32)}`
  const body = JSON.stringify({
    type,
    timestamp: new Date(now).toISOString(),
    data: withLinks(withoutMaker(job), publicUrl),
  })
  const oneOfMany = callback.events.some((event) => !finalEventTypes.includes(event))
  const data: CallbackData = { webhookId, body, token: callback.token, oneOfMany }
  return {
    id: webhookId,
    lane: callbackLane(uuid),
    seq: place,
    kind: callbackKind,
    event: type,
    job: uuid,
    url: callback.url,
    data,
  }
}

/** A receiver needs no name of a token. */
function withoutMaker({ made_by: _, ...job }: Job): Job {
  return job
}

const last = 999_999_999

/**
 * The event's position in the lane: waiting for a further attempt sorts after all states of the
 * attempt before.
 */
function placeOf({ state, attempt, started_at: startedAt }: Job): number {
  if (isFinal(state)) return last
  const isBetween = state === 'queued' && startedAt !== null
  const number = (attempt?.number ?? 1) + (isBetween ? 1 : 0)
  return number * 10 + states.indexOf(state)
}
