import { type FieldError, Problem } from '../../errors.ts'
import { finalEventTypes } from '../../job/event-type.ts'
import type { Job } from '../../job/job.ts'
import type { JobRequest } from '../../job/request.ts'
import type { Companion, JobChange } from '../../lifecycle/jobs.ts'
import type { Log } from '../../log.ts'
import type { JobEnds } from '../job-ends.ts'
import {
  type Delivery,
  type Message,
  type MessageKind,
  MessageWithdrawn,
  type Outbox,
} from '../outbox/outbox.ts'
import type { Lease } from '../outbox/sender.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import { Ahead } from './ahead.ts'
import {
  type Callback,
  type CallbackData,
  callbackKind,
  callbackMessage,
  eventOf,
  laneOf,
} from './callback-message.ts'
import { type CallbackSecrets, secretsOf } from './secrets.ts'
import { signedHeaders } from './signature.ts'
import { StateEvents } from './state-events.ts'

export interface CallbackParts {
  ends: JobEnds
  outbox: Outbox
  outgoing: Outgoing
  lease: Lease
  log: Log
  secrets: CallbackSecrets
  publicUrl?: string | undefined
}

/** Signed calls of whoever wants to hear of a job (docs/callbacks.md). */
export interface Callbacks {
  /** What is wrong with a request's callback, before anything is made; `token` is its caller's name. */
  check(request: JobRequest, token: string | null): FieldError[]
  /** What has to stand in the store before a job with a callback begins; undefined for one without. */
  companion(uuid: string, request: JobRequest, token: string | null): Companion | undefined
  /** Sends again what was sent last, or at once what is waiting. Rejects `not-found` where there is none. */
  redeliver(uuid: string): Promise<Delivery>
}

const place = { kind: callbackKind, id: '1' }

/** `watch` is for Jobs.watch(). Registers itself with `ends` and `outbox`. */
export function createCallbacks(
  parts: CallbackParts,
): Callbacks & { watch(change: JobChange): void; close(): Promise<void> } {
  const { ends, outbox, outgoing, lease, log, secrets, publicUrl } = parts
  ends.register({
    kind: callbackKind,
    jobEnded: (job, { data }) => announceEnd(job, data as Callback),
  })
  outbox.register({ ...messageKind(secrets, isGone), onEnd: noteGone })
  const states = new StateEvents(lease, log, async (job) => {
    const callback = await callbackOf(job.job_uuid)
    if (callback) await announce(job, callback)
  })

  const ahead = new Ahead(lease, callbackOf, announceEnd)

  async function announceEnd(job: Job, callback: Callback): Promise<void> {
    await states.settled(job.job_uuid)
    await announce(job, callback)
  }

  async function announce(job: Job, callback: Callback): Promise<void> {
    if (callback.gone || !callback.events.includes(eventOf(job))) return
    await outbox.add(callbackMessage(job, callback, Date.now(), publicUrl))
  }

  async function callbackOf(uuid: string): Promise<Callback | undefined> {
    return (await ends.get(uuid, place))?.data as Callback | undefined
  }

  async function noteGone({ job }: Message, { state }: Delivery): Promise<void> {
    const callback = state === 'rejected' && job !== undefined ? await callbackOf(job) : undefined
    if (job === undefined || callback === undefined || callback.gone) return
    await ends.replace(job, { ...place, data: { ...callback, gone: true } })
  }

  /** Whether the receiver wants no more; one that is sent again was asked for after that. */
  async function isGone({ job, lane, data }: Message): Promise<boolean> {
    if (job === undefined || lane !== laneOf(job) || !(data as CallbackData).oneOfMany) return false
    return (await callbackOf(job))?.gone ?? false
  }

  return {
    check: (request, token) => [...problemsOf(request, token, outgoing, secrets)],

    companion(uuid, { callback: url, callback_events: events = [...finalEventTypes] }, token) {
      if (url === undefined) return undefined
      const data: Callback = { url, events, token }
      return { write: () => ends.add(uuid, { ...place, data }), remove: () => ends.remove(uuid, place) }
    },

    async redeliver(uuid) {
      const delivery = await outbox.again(uuid, callbackKind)
      if (delivery === undefined) {
        throw new Problem(
          'not-found',
          `no callback of job ${uuid} was sent yet; GET /job/${uuid}/callbacks lists them`,
        )
      }
      return delivery
    },

    watch(change) {
      states.watch(change)
      ahead.watch(change)
    },
    close: () => states.close(),
  }
}

function messageKind(secrets: CallbackSecrets, isGone: (message: Message) => Promise<boolean>): MessageKind {
  return {
    kind: callbackKind,
    async prepare(message) {
      const { url, data } = message
      if (await isGone(message)) throw new MessageWithdrawn('the receiver said 410 to an earlier one')
      const { webhookId, body, token } = data as CallbackData
      const keys = secretsOf(secrets, token)
      if (keys === undefined) throw new Error(`CALLBACK_SECRETS has none for ${token ?? '*'}`)
      const signed = signedHeaders(webhookId, Date.now(), body, keys)
      return { method: 'POST', url, headers: { 'content-type': 'application/json', ...signed }, body }
    },
  }
}

function* problemsOf(
  { callback }: JobRequest,
  token: string | null,
  outgoing: Outgoing,
  secrets: CallbackSecrets,
): Generator<FieldError> {
  if (callback === undefined) return
  const expected = outgoing.refuses(callback)
  if (expected !== undefined) yield { field: 'callback', problem: 'is not allowed', expected }
  if (secretsOf(secrets, token) === undefined) {
    const whose = token === null ? 'a line "*: whsec_…"' : `a line "${token}: whsec_…" or "*: whsec_…"`
    yield {
      field: 'callback',
      problem: 'can not be signed here',
      expected: `${whose} in the setting CALLBACK_SECRETS of this Jobferry, or no callback`,
    }
  }
}
