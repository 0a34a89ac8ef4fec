import { historyOf } from '../job/history/history.ts'
import { usageOf } from '../job/history/usage.ts'
import type { Usage } from '../job/history/usage-answer.ts'
import type { Transition } from '../job/job.ts'
import type { TrackedJob } from './tracking/known-job.ts'

/** A live job's history and usage. Made when asked for: of thousands of jobs they would fill the memory. */
export function pastOf({ live, answer, stored }: TrackedJob): { history: Transition[]; usage: Usage } {
  const source = { observation: live.observation, job: answer, stored: stored?.results }
  return { history: historyOf(source), usage: usageOf(source) }
}
