import { createHash } from 'node:crypto'
import { type EventType, finalEventTypes } from '../../job/event-type.ts'
import { isFinal, type Job, states } from '../../job/job.ts'
import { withLinks } from '../../job/links.ts'
import type { Message } from '../outbox/outbox.ts'

export const callbackKind = 'callback'

/** Whom a job's deployer wants to be called: `jobs/<uuid>/consumers/callback-1.json`. */
export interface Callback {
  url: string
  events: readonly EventType[]
  /** The name of the API token that deployed the job: whose secrets sign. Null without one. */
  token: string | null
  /** The receiver said 410: it wants no more. */
  gone?: boolean
}

/** What lies in the outbox; `body` is what is sent, byte for byte the same at each try. */
export interface CallbackData {
  webhookId: string
  body: string
  token: string | null
  /** The job has more than its end to tell, so that a 410 may have come before this one. */
  oneOfMany: boolean
}

/** The event that a job as it is now stands for. */
export function eventOf(job: Job): EventType {
  return `job.${job.state}`
}

/** Its callbacks are sent one after another. */
export function laneOf(uuid: string): string {
  return `job-${uuid}`
}

/**
 * The message of a job's present state: the same one, whoever makes it and how often, for each state of each attempt;
 * a job has only one end.
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
    data: withLinks(job, publicUrl),
  })
  const oneOfMany = callback.events.some((event) => !finalEventTypes.includes(event))
  const data: CallbackData = { webhookId, body, token: callback.token, oneOfMany }
  return {
    id: webhookId,
    lane: laneOf(uuid),
    seq: place,
    kind: callbackKind,
    event: type,
    job: uuid,
    url: callback.url,
    data,
  }
}

const last = 999_999_999

/** Where it comes among the job's events: whoever waits for its next attempt comes behind all of the one before. */
function placeOf({ state, attempt, started_at: startedAt }: Job): number {
  if (isFinal(state)) return last
  const isBetween = state === 'queued' && startedAt !== null
  const number = (attempt?.number ?? 1) + (isBetween ? 1 : 0)
  return number * 10 + states.indexOf(state)
}
