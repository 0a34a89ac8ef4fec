import type { JobEntry } from './job-entry.ts'
import { runJob } from './job-run.ts'
import { Halt, type RunContext } from './run-context.ts'

interface Run {
  halt: Halt
  done: Promise<void>
}

/** Runs jobs in the order in which they were added, a given number at once. */
export class RunQueue {
  readonly #context: RunContext
  readonly #limit: number
  readonly #waiting = new Set<JobEntry>()
  readonly #running = new Map<JobEntry, Run>()
  #closed = false

  constructor(context: RunContext, limit: number) {
    this.#context = context
    this.#limit = limit
  }

  add(job: JobEntry): void {
    this.#waiting.add(job)
    this.#startNext()
  }

  /** Takes a job out that waits; whether it did. */
  drop(job: JobEntry): boolean {
    return this.#waiting.delete(job)
  }

  /** `stop`: with its grace, as its record says; `kill`: at once. */
  halt(job: JobEntry, how: 'stop' | 'kill'): void {
    this.#running.get(job)?.halt[how].set()
  }

  /** Ends what of the job still waits or runs; resolves once nothing does. */
  async end(job: JobEntry): Promise<void> {
    this.drop(job)
    this.halt(job, 'kill')
    await this.#running.get(job)?.done
  }

  /** Ends everything; the records stay as they are, so that the next process takes up from there. */
  async close(): Promise<void> {
    this.#closed = true
    this.#waiting.clear()
    const runs = [...this.#running.values()]
    for (const { halt } of runs) {
      halt.closing = true
      halt.kill.set()
    }
    await Promise.all(runs.map((run) => run.done))
  }

  #startNext(): void {
    for (const job of this.#waiting) {
      if (this.#closed || this.#running.size >= this.#limit) return
      this.#waiting.delete(job)
      const halt = new Halt()
      if (job.record.stop) halt[job.record.stop.outcome === 'deleted' ? 'kill' : 'stop'].set()
      const done = runJob(this.#context, job, halt).finally(() => {
        this.#running.delete(job)
        this.#startNext()
      })
      this.#running.set(job, { halt, done })
    }
  }
}
