import type { AttemptsByJob, Waiting } from '../state/observation.ts'

/** What a job waits for from now on: for these jobs alone. An attempt that was written down stands. */
export function stillWaiting(
  before: Waiting,
  jobs: readonly string[],
  attempts: AttemptsByJob = {},
): Waiting {
  return { ...before, jobs, attempts: { ...attempts, ...before.attempts } }
}
