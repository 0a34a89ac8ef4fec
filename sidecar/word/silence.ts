/**
 * A longer time between two looks, or a clock that was set by more meanwhile: the program was
 * stopped or suspended, and nobody watched.
 */
const mostMs = 5000

/** One moment by both clocks, in milliseconds: `now` is never set, `date` is the wall clock's. */
export interface Moment {
  now: number
  date: number
}

export function thisMoment(): Moment {
  return { now: performance.now(), date: Date.now() }
}

/**
 * For how long the worker has been seen to write nothing. It begins anew after a time that nobody
 * watched, also since a program's start is only known by the wall clock.
 */
export class Silence {
  #milliseconds = 0
  #lookedAt: Moment

  constructor(moment: Moment) {
    this.#lookedAt = moment
  }

  look(changed: boolean, moment: Moment): void {
    const passed = moment.now - this.#lookedAt.now
    const set = Math.abs(moment.date - this.#lookedAt.date - passed)
    this.#lookedAt = moment
    const isWatched = passed <= mostMs && set <= mostMs
    this.#milliseconds = changed || !isWatched ? 0 : this.#milliseconds + passed
  }

  get milliseconds(): number {
    return this.#milliseconds
  }
}
