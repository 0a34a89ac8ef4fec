import { randomBytes } from 'node:crypto'

/** Label of the objects that one test run makes in a cluster, beside Jobferry's own objects. */
export const runLabel = 'jobferry.dev/test-run'

/** The test run's name, equal in every worker, because global setup sets it before they start. */
export function testRun(): string {
  process.env.TEST_RUN ??= randomBytes(4).toString('hex')
  return process.env.TEST_RUN
}

/** A setting that global setup provides; throws if it is missing. */
export function given(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set: global setup didn't run`)
  return value
}
