import type { LocalJob } from '../record/local-job.ts'
import { type RunContext, RunSignals } from './run-context.ts'
import { runJob } from './run-job.ts'

interface Run {
  signals: RunSignals
  done: Promise<void>
}

/** Runs jobs in the order of their adding, at most `limit` at once. */
export class RunQueue {
  readonly #context: RunContext
  readonly #limit: number
  readonly #waiting = new Set<LocalJob>()
  readonly #running = new Map<LocalJob, Run>()
  #closed = false

  constructor(context: RunContext, limit: number) {
    this.#context = context
    this.#limit = limit
  }

  add(job: LocalJob): void {
    this.#waiting.add(job)
    this.#startNext()
  }

  /** Follows a job that runs already, whatever the limit is. */
  adopt(job: LocalJob): void {
    this.#start(job)
  }

  /** Removes a waiting job from the queue; false if it was not waiting. */
  drop(job: LocalJob): boolean {
    return this.#waiting.delete(job)
  }

  /** See RunSignals; does nothing if the job is not running. */
  signal(job: LocalJob, how: 'stop' | 'kill'): void {
    this.#running.get(job)?.signals[how].set()
  }

  /** Ends the job, waiting or running; resolves once none of its processes run. */
  async end(job: LocalJob): Promise<void> {
    this.drop(job)
    this.signal(job, 'kill')
    await this.#running.get(job)?.done
  }

  /** Leaves all runs, which go on; resolves with their jobs, for the next process. */
  async close(): Promise<LocalJob[]> {
    this.#closed = true
    this.#waiting.clear()
    const running = [...this.#running]
    for (const [, { signals }] of running) signals.close.set()
    await Promise.all(running.map(([, { done }]) => done))
    return running.map(([job]) => job)
  }

  #startNext(): void {
    for (const job of this.#waiting) {
      if (this.#closed || this.#running.size >= this.#limit) return
      this.#waiting.delete(job)
      this.#start(job)
    }
  }

  #start(job: LocalJob): void {
    const signals = new RunSignals()
    if (job.record.stop) signals[job.record.stop.outcome === 'deleted' ? 'kill' : 'stop'].set()
    const done = runJob(this.#context, job, signals).finally(() => {
      this.#running.delete(job)
      this.#startNext()
    })
    this.#running.set(job, { signals, done })
  }
}
