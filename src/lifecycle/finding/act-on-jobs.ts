import type { Job } from '../../job/job.ts'
import { messageOf, Problem } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { checkPosition } from '../job-list.ts'
import { listPosition, positionTime } from '../records/list-position.ts'
import { isDamagedRecord } from '../records/records.ts'
import { hasNames, hasState, type JobFilter, type JobNames, ofUnended } from './job-filter.ts'
import { type FindingParts, type FoundJob, selectJobs } from './select-jobs.ts'

export type BulkAction = 'cancel' | 'delete'

/** The outcome for one job; of a dry run, the one that it would have. */
export interface ActedJob extends Pick<Job, 'job_uuid' | 'job' | 'name' | 'labels' | 'state' | 'created_at'> {
  /** False in a dry run, with an `error` and with `skipped`. */
  done: boolean
  /** The filters did not find the job any more when its turn came. */
  skipped?: true
  error?: { code: string; detail: string }
}

export interface BulkOutcome {
  jobs: ActedJob[]
  /** Where to go on; undefined: that was all. */
  next?: string
}

export interface BulkOptions {
  limit: number
  /** `next` of the call before. */
  after?: string | undefined
  dryRun: boolean
}

export interface BulkParts extends FindingParts {
  /** Undefined if it is unknown or being removed. */
  current(uuid: string): Promise<Job | undefined>
  cancel(uuid: string): Promise<unknown>
  remove(uuid: string): Promise<void>
  /** Of an error that is no Problem. */
  onError(uuid: string, error: unknown): void
}

/** Each call takes some requests to backend and store. */
const atOnce = 16

/**
 * Cancels or deletes the jobs that a filter finds, `limit` at most; only jobs that have neither ended
 * nor are being stopped are canceled.
 * A failure for one job does not stop the others. A job that the filter no longer finds when its turn
 * comes is left alone. Rejects if the jobs can't be found.
 */
export async function actOnJobs(
  parts: BulkParts,
  action: BulkAction,
  asked: JobFilter,
  { limit, after, dryRun }: BulkOptions,
): Promise<BulkOutcome> {
  checkPosition(after)
  const filter = action === 'cancel' ? ofUnended(asked) : asked
  const { found, next } = await selectJobs(parts, filter, { limit, after, unstopped: action === 'cancel' })
  await parts.finished.name(found.flatMap((one) => ('finished' in one ? [one.finished] : [])))
  const turns = found.map((one) => ({ one, job: { ...shown(one), done: false } as ActedJob }))
  const rest = dryRun ? [].values() : turns.values()
  const actOnRest = async () => {
    for (const { one, job } of rest) Object.assign(job, await acted(parts, action, filter, one))
  }
  await Promise.all(Array.from({ length: atOnce }, actOnRest))
  return { jobs: turns.map(({ job }) => job), ...defined({ next }) }
}

async function acted(
  parts: BulkParts,
  action: BulkAction,
  filter: JobFilter,
  found: FoundJob,
): Promise<Pick<ActedJob, 'done' | 'skipped' | 'error'>> {
  const { uuid } = found
  try {
    if (!(await isStillFound(parts, filter, found))) return { done: false, skipped: true }
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

/** True if the filter still finds the job: since then it may have ended, or been made anew. */
async function isStillFound(
  parts: BulkParts,
  filter: JobFilter,
  { uuid, position }: FoundJob,
): Promise<boolean> {
  try {
    const job = await parts.current(uuid)
    // If the job is gone, its leftovers are removed.
    if (job === undefined) return true
    const isSame = listPosition(uuid, Date.parse(job.created_at)) === position
    return isSame && hasState(filter, job) && hasNames(filter, job)
  } catch (error) {
    // A record never changes, and no live job has taken its place.
    if (isDamagedRecord(error)) return true
    throw error
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
