import type { Job } from '../../job/job.ts'
import { isFinal } from '../../job/job.ts'
import type { JobChange } from '../../lifecycle/jobs.ts'
import { EventFeed, type FeedEvent } from './feed.ts'
import { heartbeat, missed, opening, stateId } from './frames.ts'

/** Where a stream's bytes go. */
export interface StreamReader {
  write(bytes: Buffer): void
  /** Bytes that it hasn't taken yet. */
  readonly waiting: number
  /** There is nothing more to come. */
  end(): void
  /** It is too slow. */
  cut(): void
}

/** Streams of events (WHATWG HTML, section 9.2), as many as there are readers. */
export interface EventStreams {
  /**
   * From now on, or from behind `lastId`, where that is known; else the reader is told `reset`. Returns what ends it.
   */
  openAll(reader: StreamReader, lastId?: string): () => void
  /** Whether its reader has all there is of a job: whoever comes back after the end is told so and asks no more. */
  isOver(job: Job, lastId: string | undefined): boolean
  /**
   * The job as it is, unless it is as `lastId` says, then what becomes of it; ends behind its end. `load` gives it as
   * Jobs.get() does. Returns what ends it.
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

/** Half of a thousand kept events fit in; slow readers come back with the id that they have. */
const mostWaiting = 2 * 2 ** 20

export function createEventStreams(settings: {
  publicUrl?: string | undefined
  heartbeatMilliseconds: number
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
  }, settings.heartbeatMilliseconds).unref()

  feed.subscribe((event: FeedEvent) => {
    for (const reader of ofAll) send(reader, event.ofAll)
    for (const listener of ofJobs.get(event.uuid) ?? []) listener(event)
  })

  function sendOfJob(reader: StreamReader, event: FeedEvent): void {
    send(reader, event.ofJob)
    if (event.last) reader.end()
  }

  /** What its reader missed, or the job as it is now. */
  function begin(reader: StreamReader, job: Job, lastId: string | undefined): void {
    const isKnown = lastId === stateId(job)
    const since = lastId === undefined ? undefined : feed.ofJobSince(job.job_uuid, lastId)
    const upToNow = since?.slice(0, since.findLastIndex(({ id }) => id === stateId(job)) + 1) ?? []
    const states = upToNow.filter(({ name }) => name === 'state')
    if (states.length > 0) for (const event of states) send(reader, event.ofJob)
    else if (!isKnown) send(reader, feed.snapshot(job))
    if (isFinal(job.state)) reader.end()
  }

  return {
    openAll(reader, lastId) {
      const known = lastId === undefined ? [] : feed.since(lastId)
      // Where it is going to be, so that a break before the first event loses none.
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
      // What happens while it is asked for comes behind it.
      let held: FeedEvent[] | undefined = []
      const listener = (event: FeedEvent) => {
        if (held) held.push(event)
        else sendOfJob(reader, event)
      }
      const listeners = ofJobs.get(uuid) ?? new Set()
      ofJobs.set(uuid, listeners.add(listener))
      readers.add(reader)
      send(reader, opening())
      load().then(
        (job) => {
          if (job === undefined) return reader.end()
          begin(reader, job, lastId)
          const already = held?.findLastIndex(({ id }) => id === stateId(job)) ?? -1
          const events = held?.slice(already + 1) ?? []
          held = undefined
          for (const event of events) sendOfJob(reader, event)
        },
        () => reader.cut(),
      )
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
