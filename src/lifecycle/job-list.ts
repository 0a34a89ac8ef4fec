import { type Job, phaseOf, states } from '../job/job.ts'
import { invalid, messageOf } from '../util/errors.ts'
import { jobOfRecord } from './job-answer.ts'
import { indexAfter } from './newest-first.ts'
import { positionTime, positionUuid } from './records/list-position.ts'
import { type IndexEntry, isDamagedRecord, type Records } from './records/records.ts'
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
  if (after !== undefined && positionUuid(after) === undefined) {
    throw invalid('after', `${JSON.stringify(after)} is not a position in the list`, "a page's `next`")
  }
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

async function readRecorded(entry: IndexEntry): Promise<Job | undefined> {
  try {
    const record = await entry.read()
    return record && jobOfRecord(record, Date.now())
  } catch (error) {
    if (!isDamagedRecord(error)) throw error
    return withoutRecord(entry, messageOf(error))
  }
}

/** What the index says of a job with a damaged record, so that the other jobs can be listed. */
function withoutRecord({ uuid, position, state: said }: IndexEntry, message: string): Job {
  const state = states.find((one) => one === said) ?? 'failed'
  return {
    job_uuid: uuid,
    job: null,
    state,
    phase: phaseOf(state),
    reason: null,
    message,
    exit_code: null,
    attempt: null,
    created_at: new Date(positionTime(position)).toISOString(),
    started_at: null,
    finished_at: null,
    result: { state: null, count: null, bytes: null },
  }
}

/** The jobs in order, 16 of them read at once. */
async function readAll(
  entries: readonly { read(): Promise<Job | undefined> }[],
): Promise<(Job | undefined)[]> {
  const jobs: (Job | undefined)[] = entries.map(() => undefined)
  const rest = entries.entries()
  const readRest = async () => {
    for (const [at, entry] of rest) jobs[at] = await entry.read()
  }
  await Promise.all(Array.from({ length: atOnce }, readRest))
  return jobs
}

const atOnce = 16
