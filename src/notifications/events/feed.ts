import { randomBytes } from 'node:crypto'
import { isFinal, type Job } from '../../job/job.ts'
import { withLinks } from '../../job/links.ts'
import type { Uploaded } from '../../job/state/observation.ts'
import type { JobChange } from '../../lifecycle/jobs.ts'
import { jsonLine } from '../../util/text/json-line.ts'
import { frame, stateId } from './frames.ts'

/** A change of a job, encoded once for any number of streams. */
export interface FeedEvent {
  uuid: string
  name: 'state' | 'progress' | 'word' | 'deleted'
  /** For a stream of that one job. */
  ofJob: Buffer
  /** For a stream of all jobs. */
  ofAll: Buffer
  /** The event's id in `ofJob`; undefined for progress and word, which are never replayed. */
  id: string | undefined
  /** True for the job's last event. */
  last: boolean
}

const mostKept = 1000

/**
 * Turns changes of live jobs into events and keeps the newest 1,000 for readers that reconnect. In
 * a stream of one job all replicas give an event the same id; in the stream of all jobs the ids
 * belong to this process.
 */
export class EventFeed {
  readonly #publicUrl: string | undefined
  /** Part of every id in the stream of all jobs: tells ids of another process apart. */
  readonly #epoch = randomBytes(4).toString('hex')
  readonly #jobs = new Map<string, Known>()
  readonly #listeners = new Set<(event: FeedEvent) => void>()
  #kept: FeedEvent[] = []
  #number = 0

  constructor(publicUrl?: string) {
    this.#publicUrl = publicUrl
  }

  /** Calls `listener` with every event from now on; the returned function unsubscribes it. */
  subscribe(listener: (event: FeedEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The id of the newest event in the stream of all jobs. */
  get newestId(): string {
    return `${this.#epoch}-${this.#number}`
  }

  /** Events of all jobs after the event `id`; undefined if `id` is unknown or too old. */
  since(id: string): FeedEvent[] | undefined {
    const [, epoch, number] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id) ?? []
    const missing = this.#number - Number(number)
    if (epoch !== this.#epoch || missing < 0 || missing > this.#kept.length) return undefined
    return missing === 0 ? [] : this.#kept.slice(-missing)
  }

  /** Events of one job after the event `id`; undefined if `id` is unknown or too old. */
  ofJobSince(uuid: string, id: string): FeedEvent[] | undefined {
    const events = this.#kept.filter((event) => event.uuid === uuid)
    const at = events.findLastIndex((event) => event.id === id)
    return at === -1 ? undefined : events.slice(at + 1)
  }

  /** The job's present state as an event of its own stream. */
  snapshot(job: Job): Buffer {
    return frame({ id: stateId(job), name: 'state', data: jsonLine(withLinks(job, this.#publicUrl)) })
  }

  changed({ uuid, job, deleted, uploaded }: JobChange): void {
    const known = this.#jobs.get(uuid)
    if (job === undefined || deleted) {
      this.#jobs.delete(uuid)
      if (known && deleted)
        this.#emit(uuid, 'deleted', jsonLine({ job_uuid: uuid }), `${known.id}-deleted`, true)
      return
    }
    const says = `${job.state} ${job.reason}`
    const word = job.progress && jsonLine({ job_uuid: uuid, ...job.progress })
    const now: Known = { id: stateId(job), says, word, uploaded, at: Date.now() }
    this.#jobs.set(uuid, now)
    if (known?.id !== now.id || known.says !== now.says) {
      const data = jsonLine(withLinks(job, this.#publicUrl))
      this.#emit(uuid, 'state', data, now.id, isFinal(job.state))
      return
    }
    if (word !== undefined && word !== known.word) this.#emit(uuid, 'word', word)
    if (uploaded && (uploaded.files !== known.uploaded?.files || uploaded.bytes !== known.uploaded.bytes)) {
      this.#emit(uuid, 'progress', jsonLine(progressOf(uuid, uploaded, known)))
    } else this.#jobs.set(uuid, { ...known, word })
  }

  #emit(uuid: string, name: FeedEvent['name'], data: string, id?: string, last = false): void {
    if (id !== undefined) this.#number += 1
    const event: FeedEvent = {
      ...{ uuid, name, id, last },
      ofJob: frame({ id, name, data }),
      ofAll: frame({ id: id === undefined ? undefined : this.newestId, name, data }),
    }
    if (id !== undefined) this.#kept.push(event)
    if (this.#kept.length > 2 * mostKept) this.#kept = this.#kept.slice(-mostKept)
    for (const listener of this.#listeners) listener(event)
  }
}

/** The job as its last event showed it. */
interface Known {
  id: string
  says: string
  /** What its last `word` event said. */
  word: string | undefined
  uploaded: Uploaded | undefined
  at: number
}

/**
 * `bytes_per_second` since the last progress event; null in the first one and after a pass began
 * again.
 */
function progressOf(uuid: string, uploaded: Uploaded, { uploaded: before, at }: Known) {
  const seconds = (Date.now() - at) / 1000
  const bytes = before === undefined ? -1 : uploaded.bytes - before.bytes
  const rate = bytes < 0 || seconds <= 0 ? null : Math.round(bytes / seconds)
  return { job_uuid: uuid, ...uploaded, bytes_per_second: rate }
}
