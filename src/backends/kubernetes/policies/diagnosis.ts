import type { CachedJob } from '../cache/cached-job.ts'
import { type DiagnosisQuery, diagnosisQuery, queryKey } from '../observation/diagnosis-queries.ts'
import type { Decision } from './job-policy.ts'

/** A job that makes no progress for a shorter time needs no diagnosis. */
const patienceMilliseconds = 5_000
const againMilliseconds = { events: 30_000, log: 10_000 }
/** Clients are likely to look at a job that has just begun to be stored. */
const soon = { againMilliseconds: 5_000, withinMilliseconds: 60_000 }

/**
 * Whether to read why a job makes no progress; `last` is the query that was read last, and when.
 */
export function diagnosis(
  job: CachedJob,
  now: number,
  last: { query: DiagnosisQuery; at: number } | undefined,
): Decision<DiagnosisQuery> {
  const query = diagnosisQuery(job)
  if (query === undefined) return undefined
  const isRepeated = last !== undefined && queryKey(last.query) === queryKey(query)
  const nextAt = isRepeated ? last.at + pauseAfter(query, last.at) : query.since + patienceMilliseconds
  return now < nextAt ? { waitUntil: nextAt } : { action: query }
}

function pauseAfter({ source, since }: DiagnosisQuery, at: number): number {
  const isNew = source === 'log' && at - since < soon.withinMilliseconds
  return isNew ? soon.againMilliseconds : againMilliseconds[source]
}
