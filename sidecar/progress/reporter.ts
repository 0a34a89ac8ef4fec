import type { Log } from '../../src/log.ts'
import type { Obstacle } from '../store/obstacle.ts'
import type { Trouble } from '../store/store-calls.ts'
import type { Progress } from './progress.ts'

export interface Reported {
  progress: Progress
  /** What the calls to the store fail with, or how long they have been waiting. */
  trouble(): Trouble
  /** What else is in the way. */
  obstacle(): Obstacle | undefined
  /** What there is to store; it may take a while. Rejects never. */
  countAll(): Promise<Progress['total']>
  log: Log
}

const tickMs = 1000
/** A store that is slow that long without an answer is worth a word. */
const patienceMs = 10_000
/** Short storing needs no reports. */
const firstMs = 4000
const countAfterMs = 2000
const [shortestMs, longestMs] = [5000, 30_000]

/**
 * Says in the log how far storing is and what is in its way, for the API, which reads the log's end: when that
 * changes, and again every 5 s at first, every 30 s after six minutes. A line is `{"progress": {files, bytes,
 * total_files, total_bytes}, "message"}`, with `reason` (of contract.md's list) where something is in the way.
 */
export class Reporter {
  readonly #reported: Reported
  readonly #timer: NodeJS.Timeout
  #storingSince: number | undefined
  #saidAt = Number.NEGATIVE_INFINITY
  #saidReason: string | undefined
  #counted = false

  constructor(reported: Reported) {
    this.#reported = reported
    this.#timer = setInterval(() => this.#tick(), tickMs).unref()
  }

  /** Progress is reported from now on, without trouble too. */
  storing(): void {
    this.#storingSince ??= performance.now()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const now = performance.now()
    const storingMs = this.#storingSince === undefined ? undefined : now - this.#storingSince
    const trouble = this.#reported.trouble()
    const obstacle = this.#reported.obstacle() ?? trouble.obstacle
    if (storingMs !== undefined && storingMs >= countAfterMs) this.#count()
    const changed = obstacle?.reason !== this.#saidReason
    const isDue = now - this.#saidAt >= Math.min(longestMs, Math.max(shortestMs, (storingMs ?? 0) / 12))
    const isWorthIt = obstacle !== undefined || (storingMs !== undefined && storingMs >= firstMs)
    if (!changed && !(isDue && isWorthIt)) return
    this.#saidAt = now
    this.#saidReason = obstacle?.reason
    this.#say(obstacle, trouble)
  }

  /** Once, of what the worker left: nothing changes it any more. */
  #count(): void {
    if (this.#counted) return
    this.#counted = true
    void this.#reported.countAll().then((total) => {
      this.#reported.progress.total = total
    })
  }

  #say(obstacle: Obstacle | undefined, trouble: Trouble): void {
    const { progress, log } = this.#reported
    const { files, bytes, total } = progress
    const line = {
      progress: { files, bytes, total_files: total?.files, total_bytes: total?.bytes },
      message: [
        this.#storingSince === undefined ? undefined : String(progress),
        obstacle === undefined ? waiting(trouble) : `${obstacle.message}${timesOf(obstacle, trouble)}`,
      ]
        .filter((part) => part !== undefined)
        .join('; '),
    }
    if (obstacle === undefined) log.info(line, 'progress')
    else log.warn({ reason: obstacle.reason, ...line }, 'trying again')
  }
}

function timesOf(obstacle: Obstacle, trouble: Trouble): string {
  if (obstacle !== trouble.obstacle) return ''
  return `; for ${seconds(trouble.failingMs)} s now, tried again in ${seconds(trouble.againMs)} s`
}

function waiting({ waitingMs }: Trouble): string | undefined {
  return waitingMs < patienceMs ? undefined : `no answer from the store for ${seconds(waitingMs)} s`
}

function seconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds / 1000))
}
