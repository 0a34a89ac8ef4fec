import { isFinal, type Job } from '../../job/job.ts'
import { messageOf, Problem } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { positionTime } from '../records/list-position.ts'
import type { JobFilter, JobNames } from './job-filter.ts'
import { type FindingParts, type FoundJob, selectJobs } from './select-jobs.ts'

export type BulkAction = 'cancel' | 'delete'

/** What happened to a job, or in a dry run would. */
export interface ActedJob extends Pick<Job, 'job_uuid' | 'job' | 'name' | 'labels' | 'state' | 'created_at'> {
  /** False in a dry run, and with an `error`. */
  done: boolean
  error?: { code: string; detail: string }
}

export interface BulkOutcome {
  jobs: ActedJob[]
  /** Further jobs are found: the call is to be repeated. */
  more: boolean
}

export interface BulkParts extends FindingParts {
  cancel(uuid: string): Promise<unknown>
  remove(uuid: string): Promise<void>
  /** Of an error that is no Problem. */
  onError(uuid: string, error: unknown): void
}

/** Each call takes some requests to backend and store. */
const atOnce = 16

/**
 * Cancels or deletes what a filter finds, `limit` jobs at most; cancels only what hasn't ended. A
 * job whose turn fails does not keep the others from theirs. Rejects if the jobs can't be found.
 */
export async function actOnJobs(
  parts: BulkParts,
  action: BulkAction,
  filter: JobFilter,
  { limit, dryRun }: { limit: number; dryRun: boolean },
): Promise<BulkOutcome> {
  const { found, more } = await selectAll(parts, action, filter, limit)
  await parts.finished.name(found.flatMap((one) => ('finished' in one ? [one.finished] : [])))
  const jobs = found.map((one): ActedJob => ({ ...shown(one), done: false }))
  const rest = dryRun ? [].values() : jobs.values()
  const actOnRest = async () => {
    for (const job of rest) Object.assign(job, await acted(parts, action, job.job_uuid))
  }
  await Promise.all(Array.from({ length: atOnce }, actOnRest))
  return { jobs, more }
}

async function selectAll(
  parts: FindingParts,
  action: BulkAction,
  filter: JobFilter,
  limit: number,
): Promise<{ found: FoundJob[]; more: boolean }> {
  const found: FoundJob[] = []
  for (let after: string | undefined; ; ) {
    const options = { limit: limit - found.length, after, liveOnly: action === 'cancel' }
    const { found: some, next } = await selectJobs(parts, filter, options)
    found.push(...some.filter((one) => action === 'delete' || !isFinal(stateOf(one))))
    if (next === undefined || found.length >= limit) return { found, more: next !== undefined }
    after = next
  }
}

async function acted(
  parts: BulkParts,
  action: BulkAction,
  uuid: string,
): Promise<Pick<ActedJob, 'done' | 'error'>> {
  try {
    await (action === 'cancel' ? parts.cancel(uuid) : parts.remove(uuid))
    return { done: true }
  } catch (error) {
    if (error instanceof Problem)
      return { done: false, error: { code: error.code, detail: messageOf(error) } }
    parts.onError(uuid, error)
    const detail = "the API's log has the cause under the job's id"
    return { done: false, error: { code: 'internal', detail } }
  }
}

function stateOf(one: FoundJob): Job['state'] {
  return 'live' in one ? one.live.state : one.finished.state
}

function shown(one: FoundJob): Omit<ActedJob, 'done'> {
  const names: JobNames = 'live' in one ? one.live : (one.finished.names ?? { job: null })
  return {
    job_uuid: one.uuid,
    job: names.job,
    ...defined({ name: names.name, labels: names.labels }),
    state: stateOf(one),
    created_at: new Date(positionTime(one.position)).toISOString(),
  }
}
