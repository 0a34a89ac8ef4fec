import type { Job } from '../../job/job.ts'
import { withLinks } from '../../job/links.ts'
import type { Jobs, PendingNotification } from '../../lifecycle/jobs.ts'
import { readValues } from '../../lifecycle/read-values.ts'
import type { JobEnds } from '../../notifications/job-ends.ts'
import type { Message, Outbox } from '../../notifications/outbox/outbox.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { defined, isObject } from '../../util/objects.ts'
import type { Broker } from '../broker/broker.ts'
import { type CloudEvent, eventId, publicationOf, typePrefix } from './cloud-event.ts'
import { endPlace, type StoryEvent, stepEvents } from './job-events.ts'
import { logTail } from './log-tail.ts'
import { Stories, type StoriesParts } from './stories.ts'

export interface AnnouncementParts extends Omit<StoriesParts, 'announce' | 'isConnected'> {
  jobs: Pick<Jobs, 'log'>
  ends: JobEnds
  outbox: Outbox
  store: ArtifactStore
  broker: Broker
  exchange: string
  source: string
  publicUrl?: string | undefined
  logLines: number
}

/** What becomes of the jobs that messages made, told to the topic exchange through the outbox. */
export interface Announcements {
  /** As the notify of CarryingOut. */
  notify(uuid: string, messageId: string): PendingNotification
  watch: Stories['watch']
  close(): Promise<void>
}

/** The kind of the outbox's messages, and of the consumers of jobs' ends. */
const kind = 'amqp'
const place = { kind, id: '1' }

/** Registers itself with `ends` and `outbox`. */
export function createAnnouncements(parts: AnnouncementParts): Announcements {
  const { ends, outbox, broker, leadership, exchange } = parts
  /** The ids of the messages that made live jobs; null: no message did. */
  const makers = new Map<string, Promise<string | null>>()

  outbox.register({
    kind,
    async deliver({ data }, signal) {
      await broker.publish(publicationOf(data as CloudEvent, exchange), signal, () => {
        // While the broker was away another replica may have become the leader, which sends it.
        if (!leadership.isLeader()) throw new Error('another replica sends it')
      })
    },
  })
  ends.register({
    kind,
    async jobEnded(job, { data }) {
      await stories.settled(job.job_uuid)
      const messageId = messageIdIn(data)
      // One after the other: one that is there may be sent before the next is written.
      for (const event of stepEvents(job)) await outbox.add(messageFor(parts, job, event, messageId))
      await outbox.add(await endMessage(parts, job, messageId))
    },
  })

  const makerOf = (uuid: string) => {
    const known = makers.get(uuid)
    if (known !== undefined) return known
    const found = ends.get(uuid, place).then((entry) => (entry ? (messageIdIn(entry.data) ?? null) : null))
    makers.set(uuid, found)
    found.catch(() => makers.delete(uuid))
    return found
  }

  const stories = new Stories({
    ...parts,
    isConnected: () => broker.state().state === 'connected',
    async announce(job, event) {
      const messageId = await makerOf(job.job_uuid)
      if (messageId !== null) await outbox.add(eventMessage(parts, job, event, messageId))
    },
  })

  return {
    notify: (uuid, messageId) => ({
      write: () => ends.add(uuid, { ...place, data: { message_id: messageId } }),
      remove: () => ends.remove(uuid, place),
    }),

    watch(change) {
      stories.watch(change)
      if (change.job === undefined || change.deleted) makers.delete(change.uuid)
    },

    close: () => stories.close(),
  }
}

function messageIdIn(data: unknown): string | undefined {
  const id = isObject(data) ? data.message_id : undefined
  return typeof id === 'string' ? id : undefined
}

function eventMessage(parts: AnnouncementParts, job: Job, event: StoryEvent, messageId: string): Message {
  const data =
    isObject(event.data) && 'job' in event.data ? { job: withLinks(job, parts.publicUrl) } : event.data
  return messageFor(parts, job, { ...event, data }, messageId)
}

/** The same event for each call: of two the outbox keeps the first. */
async function endMessage(
  parts: AnnouncementParts,
  job: Job,
  messageId: string | undefined,
): Promise<Message> {
  const [values, log] = await Promise.all([readValues(parts.store, job), logTail(parts, job)])
  const shown = withLinks({ ...job, ...defined({ values }) }, parts.publicUrl)
  const data = { job: shown, log }
  return messageFor(parts, job, { type: `job.${job.state}`, name: 'end', place: endPlace, data }, messageId)
}

function messageFor(
  { source, exchange }: AnnouncementParts,
  { job_uuid: uuid, created_at: created }: Job,
  { type, name, place: seq, data }: StoryEvent,
  messageId: string | undefined,
): Message {
  const id = eventId(uuid, created, name)
  const event: CloudEvent = {
    specversion: '1.0',
    id,
    source,
    type: `${typePrefix}${type}`,
    subject: uuid,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    ...defined({ correlationid: messageId }),
    data,
  }
  // Progress is too much for a job's history.
  const job = type === 'job.progress' ? undefined : uuid
  const lane = `amqp-${uuid}`
  return { id, lane, seq, kind, event: type, url: `amqp:${exchange}`, data: event, ...defined({ job }) }
}
