/** A longer time between two looks is one in which nobody watched: the program was stopped. */
const longestLook = 5000

/** For how long the worker has been seen to write nothing. Time that nobody watched doesn't count. */
export class Silence {
  #milliseconds = 0
  #lookedAt: number

  /** `now` is in milliseconds of a clock that is never set. */
  constructor(now: number) {
    this.#lookedAt = now
  }

  look(changed: boolean, now: number): void {
    const passed = Math.min(Math.max(0, now - this.#lookedAt), longestLook)
    this.#lookedAt = now
    this.#milliseconds = changed ? 0 : this.#milliseconds + passed
  }

  get milliseconds(): number {
    return this.#milliseconds
  }
}
