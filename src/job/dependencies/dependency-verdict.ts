import { type Cause, isFinal, type Job } from '../job.ts'
import type { Dependency } from './dependency-schema.ts'

/** Whether an awaited job has ended as it is to; `why` it can't any more, for people. */
export type Verdict = 'awaited' | 'met' | { why: string }

/** `job` is the awaited job as it is now; undefined if there is none. */
export function verdictOn(job: Pick<Job, 'state' | 'reason'> | undefined, on: Dependency['on']): Verdict {
  if (job === undefined) return { why: 'is gone: it was deleted, or its record has expired' }
  const { state, reason } = job
  if (!isFinal(state)) return 'awaited'
  if (on === 'end' || state === 'succeeded') return 'met'
  if (state === 'canceled') return { why: 'was canceled' }
  return { why: reason === null ? 'failed' : `failed (${reason})` }
}

/** Of a job that waits for these. */
export function waitingFor(jobs: readonly string[]): Cause {
  const which = jobs.length === 1 ? 'job' : `${jobs.length} jobs:`
  return { reason: 'WaitingForJobs', message: `waits for ${which} ${named(jobs)}` }
}

/** Of a job that is to fail, with what each of the awaited jobs did instead. */
export function dependencyFailed(failed: readonly { uuid: string; why: string }[]): Cause {
  const said = failed.slice(0, mostNamed).map(({ uuid, why }) => `job ${uuid} ${why}`)
  return { reason: 'DependencyFailed', message: `${said.join('; ')}${others(failed.length)}` }
}

const mostNamed = 10

function named(jobs: readonly string[]): string {
  return `${jobs.slice(0, mostNamed).join(', ')}${others(jobs.length)}`
}

function others(count: number): string {
  return count > mostNamed ? ` and ${count - mostNamed} others` : ''
}
