import { dependencyFailed, verdictOn } from '../../../job/dependencies/dependency-verdict.ts'
import { isFinal, type Job } from '../../../job/job.ts'
import type { Waiting } from '../../../job/state/observation.ts'
import { jobKeys } from '../../../result-format/job-keys.ts'
import type { ArtifactStore } from '../../../store/store.ts'
import { isDamagedRecord } from '../../records/records.ts'
import { type ActionOutcome, type ActionParts, again, type RunningJob } from './action-parts.ts'

/** What no change has told of, as when another replica's Jobs are removed. */
const lookMilliseconds = 30_000

/**
 * Looks at the jobs that a job waits for: those that have ended as they should are written down, so
 * that nothing that happens to them later counts; after the last one the job begins. One that can't
 * end so any more stops it.
 */
export async function awaitJobs(parts: ActionParts, job: RunningJob): Promise<ActionOutcome> {
  const leave = await parts.limits.awaitJobs.acquire()
  try {
    const seen = job.known.awaited?.changes ?? 0
    if (job.isCurrent) await look(parts, job)
    return again(lookMilliseconds, ({ awaited }) => ({ awaited: awaited && { ...awaited, seen } }))
  } finally {
    leave()
  }
}

async function look(parts: ActionParts, { known }: RunningJob): Promise<void> {
  const { backend, store, clock } = parts
  const { uuid, request, observation, madeBy } = known.live
  const { waiting } = observation
  if (waiting === undefined) return
  const find = (other: string) => findAwaited(parts, other, madeBy)
  const left: string[] = []
  const failed: Failed[] = []
  const attempts: Record<string, string | null> = {}
  for (const other of waiting.jobs) {
    const on = request.depends_on?.find(({ job_uuid }) => job_uuid === other)?.on ?? 'success'
    const found = await find(other)
    if (found === 'damaged') {
      failed.push({ uuid: other, why: damaged })
      continue
    }
    const verdict = verdictOn(found, on)
    if (verdict === 'awaited') left.push(other)
    else if (verdict !== 'met') failed.push({ uuid: other, ...verdict })
    else if (waiting.results.includes(other)) attempts[other] = attemptOf(found)
  }
  const isLast = failed.length === 0 && left.length === 0
  if (isLast) {
    const { results, attempts: before } = waiting
    failed.push(
      ...(await writeAttempts(store, uuid, find, { results, attempts: { ...attempts, ...before } })),
    )
  }
  if (failed.length > 0) {
    const cause = dependencyFailed(failed)
    await backend.stop(uuid, { outcome: 'failed', cause, at: clock.now() })
  } else if (left.length < waiting.jobs.length || isLast) await backend.awaitJobs(uuid, left, attempts)
}

/** A job that can't be waited for any more, and why. */
interface Failed {
  uuid: string
  why: string
}

type Found = Job | 'damaged' | undefined

const damaged = 'has a damaged record: how it ended is not known'

/** A job of another caller is a later one of that uuid: the awaited one was deleted. */
async function findAwaited(
  { findJob }: Pick<ActionParts, 'findJob'>,
  uuid: string,
  madeBy: string | undefined,
): Promise<Found> {
  try {
    const found = await findJob(uuid)
    return found?.made_by === madeBy ? found : undefined
  } catch (error) {
    if (isDamagedRecord(error)) return 'damaged'
    throw error
  }
}

/**
 * Tells the job's uploader which attempts have the results that are its inputs; resolves with the
 * jobs whose results are no more. Of a job without a result the uploader says so.
 */
async function writeAttempts(
  store: ArtifactStore,
  uuid: string,
  find: (uuid: string) => Promise<Found>,
  { results, attempts: ended = {} }: Pick<Waiting, 'results' | 'attempts'>,
): Promise<Failed[]> {
  if (results.length === 0) return []
  const attempts: Record<string, string> = {}
  const failed: Failed[] = []
  for (const other of results) {
    const found = await find(other)
    if (found === 'damaged') failed.push({ uuid: other, why: damaged })
    else if (!isTheEnded(found, ended[other])) {
      failed.push({ uuid: other, why: 'was deleted, and its result with it' })
    } else if (found.result.state === 'expired') {
      failed.push({ uuid: other, why: 'has a result that has expired' })
    } else if (found.result.state !== 'missing' && found.attempt !== null) {
      attempts[other] = found.attempt.uid
    }
  }
  if (failed.length === 0) await store.put(jobKeys.inputAttempts(uuid), Buffer.from(JSON.stringify(attempts)))
  return failed
}

/**
 * Whether it is the job that ended with this attempt, not a later one of its uuid, as under the same
 * Idempotency-Key. Undefined if the attempt was not written down.
 */
function isTheEnded(found: Job | undefined, attempt: string | null | undefined): found is Job {
  if (found === undefined || !isFinal(found.state)) return false
  return attempt === undefined || attemptOf(found) === attempt
}

function attemptOf(job: Job | undefined): string | null {
  return job?.attempt?.uid ?? null
}
