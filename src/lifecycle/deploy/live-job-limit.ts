import { isFinal } from '../../job/job.ts'
import { Problem } from '../../util/errors.ts'
import type { TrackedJob } from '../tracking/known-job.ts'

/**
 * Live jobs of each maker: the name of a token, null for callers without one.
 */
export interface LiveJobLimit {
  count(madeBy: string | null): number
  /**
   * Counts a job from its creation's begin; the returned function is called once the tracker knows
   * the job, or it was not made. Throws a Problem `too-many-jobs` at the maximum.
   */
  begin(uuid: string, madeBy: string | null): () => void
}

const secondsUntilRetry = 10

export function createLiveJobLimit(
  tracker: { list(): Iterable<TrackedJob> },
  /** Of a policy that may change. */
  currentMaximum: () => number | undefined,
): LiveJobLimit {
  /**
   * Makers of the jobs that are being made here: requests at the same moment must not all see a
   * free place.
   */
  const beginning = new Map<string, string | null>()

  function count(madeBy: string | null): number {
    const uuids = new Set<string>()
    for (const { live, answer } of tracker.list()) {
      if ((live.madeBy ?? null) === madeBy && !isFinal(answer.state)) uuids.add(live.uuid)
    }
    for (const [uuid, maker] of beginning) if (maker === madeBy) uuids.add(uuid)
    return uuids.size
  }

  return {
    count,
    begin(uuid, madeBy) {
      const maximum = currentMaximum()
      if (maximum !== undefined && count(madeBy) >= maximum) throw tooMany(madeBy, maximum)
      beginning.set(uuid, madeBy)
      return () => beginning.delete(uuid)
    },
  }
}

function tooMany(madeBy: string | null, maximum: number): Problem {
  const whose = madeBy === null ? 'of callers without a token' : `of the token ${madeBy}`
  const detail = `${maximum} jobs ${whose} have not ended, which is the most that the operator's policy allows (live_jobs_per_token); retry when one has ended`
  return new Problem('too-many-jobs', detail, { retryAfterSeconds: secondsUntilRetry })
}
