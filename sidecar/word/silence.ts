/**
 * Longest time between two looks, and largest step of the clock, for which the watch is unbroken:
 * beyond it the program was stopped or suspended.
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
 * The time for which the worker has been watched and wrote nothing. It begins anew after a break of
 * the watch, also because a program's start is only known by the wall clock.
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
