import { createHash } from 'node:crypto'
import type { EventType } from '../../job/event-type.ts'
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
}

/** The event that a job as it is now stands for. */
export function eventOf(job: Job): EventType {
  return `job.${job.state}`
}

/**
 * The message of a job's present state: the same one, whoever makes it and how often, for each state of each attempt;
 * a job has only one end.
 */
export function callbackMessage(job: Job, callback: Callback, now: number, publicUrl?: string): Message {
  const { job_uuid: uuid, created_at: created, state } = job
  const attempt = job.attempt?.number ?? 0
  const place = isFinal(state) ? last : attempt * 10 + states.indexOf(state)
  const digest = createHash('sha256').update(`${uuid} ${created} ${place}`).digest('hex')
  const type = eventOf(job)
  const webhookId = `msg_${digest.slice(0, 32)}`
  const body = JSON.stringify({
    type,
    timestamp: new Date(now).toISOString(),
    data: withLinks(job, publicUrl),
  })
  const data: CallbackData = { webhookId, body, token: callback.token }
  return {
    id: webhookId,
    lane: `job-${uuid}`,
    seq: place,
    kind: callbackKind,
    job: uuid,
    url: callback.url,
    data,
  }
}

const last = 999_999_999
