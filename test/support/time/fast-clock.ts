import { type Clock, systemClock } from '../../../src/util/clock.ts'

/** A clock `factor` times as fast as the real clock, for code that waits between real calls. */
export function fastClock(factor: number): Clock {
  const start = Date.now()
  return {
    now: () => start + (Date.now() - start) * factor,
    setTimeout: (run, milliseconds, options) => systemClock.setTimeout(run, milliseconds / factor, options),
    sleep: (milliseconds, options) => systemClock.sleep(milliseconds / factor, options),
  }
}

/** Pauses are a hundredth as long, and time limits 20 times: the machine may be busy. */
export const patientClock: Clock = {
  now: () => systemClock.now(),
  setTimeout: (run, milliseconds, options) => systemClock.setTimeout(run, milliseconds * 20, options),
  sleep: (milliseconds, options) => systemClock.sleep(milliseconds / 100, options),
}
