import type { Job } from '../../job/job.ts'
import { isFinal } from '../../job/job.ts'
import type { JobChange } from '../../lifecycle/jobs.ts'
import { EventFeed, type FeedEvent } from './feed.ts'
import { heartbeat, missed, opening, stateId } from './frames.ts'

/** The receiving end of a stream. */
export interface StreamReader {
  write(bytes: Buffer): void
  /** Bytes written that the client has not received yet. */
  readonly waiting: number
  /** Ends the stream after its last event. */
  end(): void
  /** Resets the connection of a reader that is too slow. */
  cut(): void
}

/** Streams of events (WHATWG HTML, section 9.2), as many as there are readers. */
export interface EventStreams {
  /**
   * Sends events of all jobs: those after `lastId` if it is known, else `reset`, then new ones. The
   * returned function ends the stream.
   */
  openAll(reader: StreamReader, lastId?: string): () => void
  /** Whether the reader already has the job's last event; it is then told not to reconnect. */
  isOver(job: Job, lastId: string | undefined): boolean
  /**
   * Sends the job's present state, unless `lastId` names it, then its changes; ends after its final
   * state. `load` reads the job as Jobs.get() does. The returned function ends the stream.
   */
  openJob(
    uuid: string,
    load: () => Promise<Job | undefined>,
    reader: StreamReader,
    lastId?: string,
  ): () => void
  /** For Jobs.watch(). */
  changed(change: JobChange): void
  close(): void
}

/**
 * Bytes a reader may be behind: about 500 events. A slower one is cut off and reconnects with its
 * last id.
 */
const mostWaiting = 2 * 2 ** 20

export function createEventStreams(settings: {
  publicUrl?: string | undefined
  heartbeatSeconds: number
}): EventStreams {
  const feed = new EventFeed(settings.publicUrl)
  const readers = new Set<StreamReader>()
  const ofJobs = new Map<string, Set<(event: FeedEvent) => void>>()
  const ofAll = new Set<StreamReader>()

  const send = (reader: StreamReader, bytes: Buffer) => {
    reader.write(bytes)
    if (reader.waiting > mostWaiting) reader.cut()
  }
  const beating = setInterval(() => {
    for (const reader of readers) send(reader, heartbeat)
  }, settings.heartbeatSeconds * 1000).unref()

  feed.subscribe((event: FeedEvent) => {
    for (const reader of ofAll) send(reader, event.ofAll)
    for (const listener of ofJobs.get(event.uuid) ?? []) listener(event)
  })

  return {
    openAll(reader, lastId) {
      const known = lastId === undefined ? [] : feed.since(lastId)
      // The present position: a reader that is cut off before the first event can resume from it.
      send(reader, opening(lastId === undefined || known === undefined ? feed.newestId : undefined))
      if (known === undefined) send(reader, missed)
      for (const event of known ?? []) send(reader, event.ofAll)
      readers.add(reader)
      ofAll.add(reader)
      return () => {
        readers.delete(reader)
        ofAll.delete(reader)
      }
    },

    isOver: (job, lastId) => isFinal(job.state) && lastId === stateId(job),

    openJob(uuid, load, reader, lastId) {
      send(reader, opening())
      const listener = followerOf(feed, { load, reader, lastId, send })
      const listeners = ofJobs.get(uuid) ?? new Set()
      ofJobs.set(uuid, listeners.add(listener))
      readers.add(reader)
      return () => {
        readers.delete(reader)
        listeners.delete(listener)
        if (listeners.size === 0 && ofJobs.get(uuid) === listeners) ofJobs.delete(uuid)
      }
    },

    changed: (change) => feed.changed(change),

    close() {
      clearInterval(beating)
    },
  }
}

interface Following {
  load: () => Promise<Job | undefined>
  reader: StreamReader
  lastId: string | undefined
  send: (reader: StreamReader, bytes: Buffer) => void
}

/**
 * Loads the job and sends its present state. The returned function takes the job's later events;
 * those that arrive before the state are sent after it.
 */
function followerOf(feed: EventFeed, { load, reader, lastId, send }: Following): (event: FeedEvent) => void {
  let held: FeedEvent[] | undefined = []
  const pass = (event: FeedEvent) => {
    send(reader, event.ofJob)
    if (event.last) reader.end()
  }
  load().then(
    (job) => {
      if (job === undefined) return reader.end()
      for (const bytes of firstEvents(feed, job, lastId)) send(reader, bytes)
      if (isFinal(job.state)) reader.end()
      const already = held?.findLastIndex(({ id }) => id === stateId(job)) ?? -1
      const events = held?.slice(already + 1) ?? []
      held = undefined
      for (const event of events) pass(event)
    },
    () => reader.cut(),
  )
  return (event) => {
    if (held) held.push(event)
    else pass(event)
  }
}

/**
 * The events that the reader missed, or else the job's present state unless the reader knows it.
 */
function firstEvents(feed: EventFeed, job: Job, lastId: string | undefined): Buffer[] {
  const since = lastId === undefined ? undefined : feed.ofJobSince(job.job_uuid, lastId)
  const upToNow = since?.slice(0, since.findLastIndex(({ id }) => id === stateId(job)) + 1) ?? []
  const states = upToNow.filter(({ name }) => name === 'state')
  if (states.length > 0) return states.map((event) => event.ofJob)
  return lastId === stateId(job) ? [] : [feed.snapshot(job)]
}
