import { finalEventTypes } from '../../job/event-type.ts'
import type { Job } from '../../job/job.ts'
import type { Leadership } from '../../job/leadership.ts'
import type { JobRequest } from '../../job/request/request.ts'
import type { JobChange, PendingNotification } from '../../lifecycle/jobs.ts'
import { readValues } from '../../lifecycle/read-values.ts'
import type { ArtifactStore } from '../../store/store.ts'
import type { OutgoingCalls } from '../../util/egress/outgoing-calls.ts'
import { type FieldError, Problem } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { defined } from '../../util/objects.ts'
import type { JobEnds } from '../job-ends.ts'
import {
  type Delivery,
  type Message,
  type MessageKind,
  MessageWithdrawn,
  type Outbox,
} from '../outbox/outbox.ts'
import {
  type Callback,
  type CallbackData,
  callbackKind,
  callbackLane,
  callbackMessage,
  eventOf,
} from './callback-message.ts'
import { PendingNotifications } from './pending-notification.ts'
import { type CallbackSecrets, callbackSecretsOf } from './secrets.ts'
import { signedHeaders } from './signature.ts'
import { StateEvents } from './state-events.ts'

export interface JobCallbacksParts {
  ends: JobEnds
  outbox: Outbox
  outgoing: OutgoingCalls
  store: ArtifactStore
  leadership: Leadership
  log: Log
  secrets: CallbackSecrets
  publicUrl?: string | undefined
}

/** Signed calls to the URLs that deployers gave (docs/callbacks.md). */
export interface JobCallbacks {
  /**
   * Errors of the request's callback fields, checked before the job is created; `token` is the
   * caller's name.
   */
  check(request: JobRequest, token: string | null): FieldError[]
  /**
   * The entry that the store needs before a job with a callback begins; undefined for a job without
   * one.
   */
  pendingNotification(
    uuid: string,
    request: JobRequest,
    token: string | null,
  ): PendingNotification | undefined
  /**
   * Repeats the last callback, or sends the waiting one at once. Rejects with Problem `not-found`
   * if there is none.
   */
  redeliver(uuid: string): Promise<Delivery>
}

const place = { kind: callbackKind, id: '1' }

/** `watch` is for Jobs.watch(). Registers itself with `ends` and `outbox`. */
export function createJobCallbacks(
  parts: JobCallbacksParts,
): JobCallbacks & { watch(change: JobChange): void; close(): Promise<void> } {
  const { ends, outbox, outgoing, leadership, log, secrets, publicUrl } = parts
  ends.register({
    kind: callbackKind,
    jobEnded: (job, { data }) => announceEnd(job, data as Callback),
  })
  const stored = storedCallbacks(ends)
  outbox.register({ ...messageKind(secrets, stored.isGone), onEnd: stored.noteGone })
  const states = new StateEvents(leadership, log, async (job) => {
    const callback = await stored.of(job.job_uuid)
    if (callback) await announce(job, callback)
  })

  const ahead = new PendingNotifications(leadership, stored.of, announceEnd)

  async function announceEnd(job: Job, callback: Callback): Promise<void> {
    await states.settled(job.job_uuid)
    await announce(job, callback)
  }

  async function announce(job: Job, callback: Callback): Promise<void> {
    if (callback.gone || !callback.events.includes(eventOf(job))) return
    const values = await readValues(parts.store, job)
    const shown = { ...job, ...defined({ values }) }
    await outbox.add(callbackMessage(shown, callback, Date.now(), publicUrl))
  }

  return {
    check: (request, token) => [...problemsOf(request, token, outgoing, secrets)],

    pendingNotification(uuid, { callback: url, callback_events: events = [...finalEventTypes] }, token) {
      if (url === undefined) return undefined
      return stored.pending(uuid, { url, events, token })
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

/** The jobs' callbacks, each an entry among the consumers of its job's end. */
function storedCallbacks(ends: JobEnds) {
  const of = async (uuid: string) => (await ends.get(uuid, place))?.data as Callback | undefined
  return {
    of,

    pending: (uuid: string, data: Callback): PendingNotification => ({
      write: () => ends.add(uuid, { ...place, data }),
      remove: () => ends.remove(uuid, place),
    }),

    async noteGone({ job }: Message, { state }: Delivery): Promise<void> {
      const callback = state === 'rejected' && job !== undefined ? await of(job) : undefined
      if (job === undefined || callback === undefined || callback.gone) return
      await ends.replace(job, { ...place, data: { ...callback, gone: true } })
    },

    /**
     * Whether the receiver answered 410 earlier. A redelivery was requested after that and is sent.
     */
    async isGone({ job, lane, data }: Message): Promise<boolean> {
      if (job === undefined || lane !== callbackLane(job) || !(data as CallbackData).oneOfMany) return false
      return (await of(job))?.gone ?? false
    },
  }
}

function messageKind(secrets: CallbackSecrets, isGone: (message: Message) => Promise<boolean>): MessageKind {
  return {
    kind: callbackKind,
    async prepare(message) {
      const { url, data } = message
      if (await isGone(message))
        throw new MessageWithdrawn('the receiver answered 410 to an earlier callback')
      const { webhookId, body, token } = data as CallbackData
      const keys = callbackSecretsOf(secrets, token)
      if (keys === undefined) throw new Error(`CALLBACK_SECRETS has no secret for ${token ?? '*'}`)
      const signed = signedHeaders(webhookId, Date.now(), body, keys)
      return { method: 'POST', url, headers: { 'content-type': 'application/json', ...signed }, body }
    },
  }
}

function* problemsOf(
  { callback }: JobRequest,
  token: string | null,
  outgoing: OutgoingCalls,
  secrets: CallbackSecrets,
): Generator<FieldError> {
  if (callback === undefined) return
  const expected = outgoing.refuses(callback)
  if (expected !== undefined) yield { field: 'callback', problem: 'is not allowed', expected }
  if (callbackSecretsOf(secrets, token) === undefined) {
    const whose = token === null ? 'a line "*: whsec_…"' : `a line "${token}: whsec_…" or "*: whsec_…"`
    yield {
      field: 'callback',
      problem: 'can not be signed here',
      expected: `${whose} in the setting CALLBACK_SECRETS of this Jobferry, or no callback`,
    }
  }
}
