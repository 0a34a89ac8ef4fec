import { setTimeout as sleep } from 'node:timers/promises'
import { isFinal, type Job } from '../../job/job.ts'
import type { Leadership } from '../../job/leadership.ts'
import type { JobChange } from '../../lifecycle/jobs.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { eventsOf, progressEvent, type StoryEvent } from './job-events.ts'

export interface StoriesParts {
  leadership: Leadership
  log: Log
  /** The caller whose jobs may be the messages'. */
  caller: string
  progressSeconds: number
  /** Whether the broker takes messages now: progress doesn't pile up while it is away. */
  isConnected(): boolean
  /** Makes an event durable, of a job that a message made. */
  announce(job: Job, event: StoryEvent): Promise<void>
}

interface Story {
  job: Job
  /** Names of the events that were taken up. */
  taken: Set<string>
  /** Announces one after the other; never rejects. */
  tail: Promise<void>
  progress: { text: string | undefined; at: number; timer: NodeJS.Timeout | undefined }
}

const againMs = 1_000

/**
 * Announces what becomes of live jobs before their end, in order, by the leader. What happens while
 * no API runs is not announced.
 */
export class Stories {
  readonly #parts: StoriesParts
  readonly #closing = new AbortController()
  readonly #unsubscribe: () => void
  readonly #startedAt = new Date().toISOString()
  readonly #stories = new Map<string, Story>()

  constructor(parts: StoriesParts) {
    this.#parts = parts
    this.#unsubscribe = parts.leadership.onChange((isLeader) => {
      if (isLeader) for (const story of this.#stories.values()) this.#takeAll(story)
    })
  }

  watch({ uuid, job, deleted }: JobChange): void {
    if (job === undefined || deleted || isFinal(job.state)) {
      this.#forget(uuid)
      return
    }
    if (job.made_by !== this.#parts.caller) return
    const story = this.#stories.get(uuid) ?? newStory(job)
    story.job = job
    this.#stories.set(uuid, story)
    this.#takeAll(story)
  }

  /** Resolves when the job's earlier events are durable: its end has to come after them. */
  async settled(uuid: string): Promise<void> {
    await this.#stories.get(uuid)?.tail
    await this.#ending.get(uuid)
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#closing.abort()
    for (const { progress } of this.#stories.values()) clearTimeout(progress.timer)
    await Promise.all([...this.#stories.values()].map(({ tail }) => tail))
    await Promise.all(this.#ending.values())
  }

  /** Of jobs that ended while their events were being announced. */
  readonly #ending = new Map<string, Promise<void>>()

  #forget(uuid: string): void {
    const story = this.#stories.get(uuid)
    if (story === undefined) return
    clearTimeout(story.progress.timer)
    this.#stories.delete(uuid)
    const tail = story.tail.finally(() => {
      if (this.#ending.get(uuid) === tail) this.#ending.delete(uuid)
    })
    this.#ending.set(uuid, tail)
  }

  #takeAll(story: Story): void {
    if (!this.#parts.leadership.isLeader() || this.#closing.signal.aborted) return
    for (const event of eventsOf(story.job)) {
      if (story.taken.has(event.name)) continue
      story.taken.add(event.name)
      this.#append(story, event)
    }
    this.#takeProgress(story)
  }

  /** At most one in progressSeconds, and while the broker is connected; the newest of several. */
  #takeProgress(story: Story): void {
    const { progress, job } = story
    const { leadership, progressSeconds, isConnected } = this.#parts
    const text = JSON.stringify(job.progress)
    if (job.progress === undefined || text === progress.text || progress.timer !== undefined) return
    // It may have been announced before this process began.
    if (progress.text === undefined && job.progress.updated_at < this.#startedAt) {
      progress.text = text
      return
    }
    const wait = progress.at + progressSeconds * 1000 - Date.now()
    if (wait > 0 || !isConnected()) {
      progress.timer = setTimeout(
        () => {
          progress.timer = undefined
          this.#takeProgress(story)
        },
        wait > 0 ? wait : progressSeconds * 1000,
      ).unref()
      return
    }
    if (!leadership.isLeader()) return
    const event = progressEvent(job)
    Object.assign(progress, { text, at: Date.now() })
    if (event) this.#append(story, event)
  }

  #append(story: Story, event: StoryEvent): void {
    const { job } = story
    story.tail = story.tail
      .then(() => this.#untilAnnounced(job, event))
      .then((announced) => {
        // The next leader, perhaps this process again, announces it.
        if (!announced) story.taken.delete(event.name)
      })
  }

  async #untilAnnounced(job: Job, event: StoryEvent): Promise<boolean> {
    const { leadership, log, announce } = this.#parts
    const { signal } = this.#closing
    while (leadership.isLeader() && !signal.aborted) {
      try {
        await announce(job, event)
        return true
      } catch (error) {
        log.warn(
          { job: job.job_uuid, error: messageOf(error) },
          "a job's event can't be written yet; it is tried again",
        )
        await sleep(againMs, undefined, { signal }).catch(() => undefined)
      }
    }
    return false
  }
}

function newStory(job: Job): Story {
  const progress = { text: undefined, at: 0, timer: undefined }
  return { job, taken: new Set(), tail: Promise.resolve(), progress }
}
