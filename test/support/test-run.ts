import { randomBytes } from 'node:crypto'

/** Label of everything in a cluster that one run of the tests made beside Jobferry's own objects. */
export const runLabel = 'jobferry.dev/test-run'

/** Names this run of the tests, the same in every worker: global setup sets it before they start. */
export function testRun(): string {
  process.env.TEST_RUN ??= randomBytes(4).toString('hex')
  return process.env.TEST_RUN
}

/** A setting that global setup made sure of. */
export function given(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set: global setup didn't run`)
  return value
}
