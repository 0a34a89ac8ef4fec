import type { Job } from '../job/job.ts'
import { invalid } from '../util/errors.ts'
import { readAll, readRecorded } from './finding/read-page.ts'
import { indexAfter } from './newest-first.ts'
import { positionUuid } from './records/list-position.ts'
import type { Records } from './records/records.ts'
import type { Tracker } from './tracking/tracker.ts'

/**
 * A page of all jobs, newest first: live jobs from memory merged with finished ones from the
 * store's index. `after` is the `next` of the page before: the position of its last job.
 */
export async function listJobs(
  tracker: Tracker,
  records: Records,
  { limit, after }: { limit: number; after?: string },
): Promise<{ jobs: Job[]; next?: string }> {
  checkPosition(after)
  // A copy, as a job that is let go while the index is read is in both, and must be listed once.
  const live = tracker.newestFirst()
  const chosen: { position: string; read(): Promise<Job | undefined> }[] = []
  let atLive = after === undefined ? 0 : indexAfter(live, after)
  const takeLiveBefore = (position: string | undefined) => {
    for (let next = live.jobs[atLive]; next && chosen.length <= limit; next = live.jobs[++atLive]) {
      if (position !== undefined && next.position >= position) return
      const { entry } = next
      if (entry.known.assessment.deleted) continue
      chosen.push({ position: next.position, read: async () => entry.known.answer })
    }
  }
  for await (const entry of records.list({ after, expected: limit + 1 })) {
    takeLiveBefore(entry.position)
    if (chosen.length > limit) break
    if (!live.uuids.has(entry.uuid)) {
      chosen.push({ position: entry.position, read: () => readRecorded(entry) })
    }
    if (chosen.length > limit) break
  }
  takeLiveBefore(undefined)
  const page = chosen.slice(0, limit)
  const jobs = (await readAll(page)).filter((job) => job !== undefined)
  const last = page.at(-1)
  return chosen.length > limit && last ? { jobs, next: last.position } : { jobs }
}

/** Throws a Problem `invalid-request` for an `after` that no page has given. */
export function checkPosition(after: string | undefined): void {
  if (after === undefined || positionUuid(after) !== undefined) return
  throw invalid('after', `${JSON.stringify(after)} is not a position in the list`, "a page's `next`")
}
