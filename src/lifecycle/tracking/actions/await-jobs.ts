import { dependencyFailed, verdictOn } from '../../../job/dependencies/dependency-verdict.ts'
import { jobKeys } from '../../../result-format/job-keys.ts'
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

async function look({ backend, store, clock, findJob }: ActionParts, { known }: RunningJob): Promise<void> {
  const { uuid, request, observation } = known.live
  const { waiting } = observation
  if (waiting === undefined) return
  const left: string[] = []
  const failed: { uuid: string; why: string }[] = []
  for (const other of waiting.jobs) {
    const on = request.depends_on?.find(({ job_uuid }) => job_uuid === other)?.on ?? 'success'
    const verdict = verdictOn(await findJob(other), on)
    if (verdict === 'awaited') left.push(other)
    else if (verdict !== 'met') failed.push({ uuid: other, ...verdict })
  }
  const isLast = failed.length === 0 && left.length === 0
  if (isLast) failed.push(...(await writeAttempts({ store, findJob }, uuid, waiting.results)))
  if (failed.length > 0) {
    const cause = dependencyFailed(failed)
    await backend.stop(uuid, { outcome: 'failed', cause, at: clock.now() })
  } else if (left.length < waiting.jobs.length || isLast) await backend.awaitJobs(uuid, left)
}

/**
 * Tells the job's uploader which attempts have the results that are its inputs; resolves with the
 * jobs whose results are no more. Of a job without a result the uploader says so.
 */
async function writeAttempts(
  { store, findJob }: Pick<ActionParts, 'store' | 'findJob'>,
  uuid: string,
  results: readonly string[],
): Promise<{ uuid: string; why: string }[]> {
  if (results.length === 0) return []
  const attempts: Record<string, string> = {}
  const failed: { uuid: string; why: string }[] = []
  for (const other of results) {
    const found = await findJob(other)
    const state = found?.result.state
    if (found === undefined) failed.push({ uuid: other, why: 'was deleted, and its result with it' })
    else if (state === 'expired') failed.push({ uuid: other, why: 'has a result that has expired' })
    else if (state !== 'missing' && found.attempt !== null) attempts[other] = found.attempt.uid
  }
  if (failed.length === 0) await store.put(jobKeys.inputAttempts(uuid), Buffer.from(JSON.stringify(attempts)))
  return failed
}
