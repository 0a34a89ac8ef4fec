import type { Job } from '../../job/job.ts'
import { phaseOf } from '../../job/job.ts'
import { indexAfter } from '../newest-first.ts'
import type { Records } from '../records/records.ts'
import type { Tracker } from '../tracking/tracker.ts'
import { type FinishedJobs, finishedJob } from './finished-jobs.ts'
import type { FinishedJob } from './finished-set.ts'
import {
  findsFinished,
  hasNames,
  hasState,
  isTooOld,
  type JobFilter,
  judgesNames,
  positionBefore,
} from './job-filter.ts'

export interface FindingParts {
  tracker: Pick<Tracker, 'newestFirst'>
  records: Pick<Records, 'list' | 'listed'>
  finished: Pick<FinishedJobs, 'all' | 'name' | 'removed'>
}

/** A job that a filter found: live with its answer, or finished. */
export type FoundJob =
  | { uuid: string; position: string; live: Job }
  | { uuid: string; position: string; finished: FinishedJob }

export interface SelectedJobs {
  found: FoundJob[]
  /** Where to go on; undefined: that was all. */
  next?: string
}

export interface SelectOptions {
  limit: number
  /** Position of the last job of the page before. */
  after?: string | undefined
  /** Without live jobs that are being stopped. */
  unstopped?: boolean
}

/** Finished jobs that are judged at once. */
const chunkSize = 256
/** Records that one call reads at most to judge jobs whose names aren't in memory. */
const mostReads = 1000
/** Entries of the index beyond the memory that one call lists at most: 20 requests to the store. */
const mostListed = 20_000

/**
 * The jobs that a filter finds, newest first, at most `limit` of them; fewer than that with a
 * `next` if too much would have to be read from the store.
 */
export async function selectJobs(
  parts: FindingParts,
  filter: JobFilter,
  { limit, after, unstopped = false }: SelectOptions,
): Promise<SelectedJobs> {
  const start = later(after, positionBefore(filter))
  // First, as a job that is let go meanwhile is then in both, and listed once.
  const live = parts.tracker.newestFirst()
  const found: FoundJob[] = []
  let atLive = start === undefined ? 0 : indexAfter(live, start)
  const isFull = () => found.length > limit
  const takeLiveBefore = (position: string | undefined) => {
    for (let next = live.jobs[atLive]; next && !isFull(); next = live.jobs[++atLive]) {
      if ((position !== undefined && next.position >= position) || isTooOld(filter, next.position)) return
      const { answer, assessment, live: job } = next.entry.known
      if (unstopped && job.observation.stop !== undefined) continue
      if (assessment.deleted || !hasState(filter, answer) || !hasNames(filter, answer)) continue
      found.push({ uuid: answer.job_uuid, position: next.position, live: answer })
    }
  }
  const byNames = judgesNames(filter)
  let [reads, listed] = [0, 0]
  for await (const { jobs, inMemory } of findsFinished(filter) ? finishedChunks(parts, start) : []) {
    const wanted = jobs.filter((job) => isWanted(filter, job))
    const nameless = byNames ? wanted.filter(({ names }) => names === undefined) : []
    await parts.finished.name(nameless)
    for (const job of wanted) {
      takeLiveBefore(job.position)
      if (isFull()) break
      const { uuid, position, names } = job
      if (live.uuids.has(uuid) || (byNames && !(names && hasNames(filter, names)))) continue
      found.push({ uuid, position, finished: job })
    }
    const last = jobs.at(-1)?.position
    if (isFull() || last === undefined || isTooOld(filter, last)) break
    reads += nameless.length
    if (!inMemory) listed += jobs.length
    if (reads < mostReads && listed < mostListed) continue
    takeLiveBefore(last)
    if (!isFull()) return { found, next: last }
  }
  takeLiveBefore(undefined)
  const last = found[limit - 1]
  return isFull() && last ? { found: found.slice(0, limit), next: last.position } : { found }
}

/** Finished jobs, from memory first; older ones from the index. */
async function* finishedChunks(
  { finished, records }: FindingParts,
  start: string | undefined,
): AsyncGenerator<{ jobs: FinishedJob[]; inMemory: boolean }> {
  const { jobs, rest } = await finished.all()
  for (let at = start === undefined ? 0 : indexAfter({ jobs }, start); at < jobs.length; at += chunkSize) {
    yield { jobs: jobs.slice(at, at + chunkSize), inMemory: true }
  }
  if (rest === undefined) return
  let chunk: FinishedJob[] = []
  for await (const { position, uuid, state } of records.list({ after: later(start, rest || undefined) })) {
    const job = finishedJob(position, uuid, state)
    if (job === undefined) continue
    chunk.push(job)
    if (chunk.length < chunkSize) continue
    yield { jobs: chunk, inMemory: false }
    chunk = []
  }
  yield { jobs: chunk, inMemory: false }
}

function isWanted(filter: JobFilter, { position, state }: FinishedJob): boolean {
  return !isTooOld(filter, position) && hasState(filter, { state, phase: phaseOf(state) })
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a > b ? a : b
}
