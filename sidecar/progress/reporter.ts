import { type Clock, systemClock } from '../../src/util/clock.ts'
import type { Log } from '../../src/util/log.ts'
import type { Obstacle } from '../store/obstacle.ts'
import type { Trouble } from '../store/store-calls.ts'
import type { UploadProgress } from './upload-progress.ts'

export interface Reported {
  progress: UploadProgress
  /** Of the calls to the store. */
  trouble(): Trouble
  /** Any other obstacle. */
  obstacle(): Obstacle | undefined
  /** Counts what there is to store, which may take a while. Never rejects. */
  countAll(): Promise<UploadProgress['total']>
  log: Log
}

const tickMs = 1000
/** A store without an answer for this long is reported. */
const patienceMs = 10_000
/** No reports if storing takes less. */
const firstMs = 4000
const countAfterMs = 2000
const [shortestMs, longestMs] = [5000, 30_000]

/**
 * Logs the progress of storing and its obstacle, for the API, which reads the end of the log: when
 * the obstacle changes, every 5 s at first and every 30 s after six minutes. A line is
 * `{"progress": {files, bytes, total_files, total_bytes}, "message"}`, with `reason` (one of
 * `reasons` in src/job/job.ts) if there is an obstacle.
 */
export class Reporter {
  readonly #reported: Reported
  readonly #clock: Clock
  #cancel: () => void
  #storingSince: number | undefined
  #saidAt = Number.NEGATIVE_INFINITY
  #saidReason: string | undefined
  #counted = false

  constructor(reported: Reported, clock = systemClock) {
    this.#reported = reported
    this.#clock = clock
    this.#cancel = this.#scheduleTick()
  }

  /** From now on progress is reported without an obstacle too. */
  storing(): void {
    this.#storingSince ??= this.#clock.now()
  }

  end(): void {
    this.#cancel()
  }

  #scheduleTick(): () => void {
    const tick = () => {
      this.#cancel = this.#scheduleTick()
      this.#tick()
    }
    return this.#clock.setTimeout(tick, tickMs, { ref: false })
  }

  #tick(): void {
    const now = this.#clock.now()
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

  /** Once: after the worker's end the results don't change. */
  #count(): void {
    if (this.#counted) return
    this.#counted = true
    void this.#reported.countAll().then((total) => {
      this.#reported.progress.counted = total
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
    else log.warn({ reason: obstacle.reason, ...line }, 'a step failed and is tried again')
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
