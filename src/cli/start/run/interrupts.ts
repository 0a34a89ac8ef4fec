import process from 'node:process'
import { createInterface, type Interface } from 'node:readline'
import type { Output } from '../../terminal/output.ts'

/** Why `run` leaves a job alone that goes on. */
export class Detached extends Error {}

/**
 * Ctrl-C while `run` waits: the first asks on a terminal whether to cancel the job, and cancels it
 * elsewhere; the second leaves the job alone, as SIGTERM does.
 */
export class Interrupts {
  readonly #abort = new AbortController()
  readonly #out: Output
  readonly #cancel: () => Promise<unknown>
  #question: Interface | undefined
  #isSecond = false
  /** The job is being canceled because of this. */
  isCanceled = false

  /** `cancel` cancels the job. */
  constructor(out: Output, cancel: () => Promise<unknown>) {
    this.#out = out
    this.#cancel = cancel
    process.on('SIGINT', this.#interrupt)
    process.on('SIGTERM', this.#detach)
  }

  /** Aborted with Detached. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  end(): void {
    process.off('SIGINT', this.#interrupt)
    process.off('SIGTERM', this.#detach)
    this.#question?.close()
  }

  readonly #interrupt = () => {
    if (this.#isSecond) return this.#detach()
    this.#isSecond = true
    if (process.stdin.isTTY && process.stderr.isTTY) this.#ask()
    else this.#cancelJob()
  }

  readonly #detach = () => {
    this.#question?.close()
    this.#abort.abort(new Detached())
  }

  #ask(): void {
    const question = createInterface({ input: process.stdin, output: process.stderr })
    this.#question = question
    // A terminal in raw mode sends no signal.
    question.on('SIGINT', this.#detach)
    question.question('\nCancel the job? [y/N] (Ctrl-C again leaves it running) ', (answer) => {
      question.close()
      this.#isSecond = false
      if (/^y/i.test(answer.trim())) this.#cancelJob()
    })
  }

  #cancelJob(): void {
    this.isCanceled = true
    this.#isSecond = true
    this.#out.note('canceling; Ctrl-C again does not wait for it')
    this.#cancel().catch((error: unknown) => this.#out.warn(`could not cancel: ${String(error)}`))
  }
}
