import type { Log } from '../../util/log.ts'
import { isProcessRunning } from './process/process-table.ts'
import type { LocalJob } from './record/local-job.ts'

/** True also if it can't be found out: the supervisor may run. */
export function isSupervised({ record: { attempt } }: LocalJob): boolean {
  if (attempt?.supervisor === undefined) return false
  try {
    return isProcessRunning(attempt.supervisor)
  } catch {
    return true
  }
}

/** Says at this program's end which jobs go on, and how a person stops them. */
export function warnOfJobsLeft(jobs: readonly LocalJob[], log: Pick<Log, 'warn'>): void {
  const running = jobs
    .filter((job) => job.record.ended === undefined && isSupervised(job))
    .map(({ uuid, record }) => [uuid, record.attempt?.supervisor?.pid])
  if (running.length === 0) return
  const supervisors = Object.fromEntries(running)
  log.warn({ supervisors }, process.pid === 1 ? endWithContainer : goOn(running.length))
}

/** The kernel ends a container, or another PID namespace, with its first process. */
const endWithContainer =
  'the jobs that run end with this container: the next start stores what they have left'

function goOn(count: number): string {
  const [jobs, them] = count === 1 ? ['1 job goes', 'it'] : [`${count} jobs go`, 'them']
  return `${jobs} on without the API: the next start follows ${them}; \`kill <supervisor>\` stops one with its grace period`
}
