import type { Job } from '../../../src/job/job.ts'
import { FinishedJobs, type FinishedParts } from '../../../src/lifecycle/finding/finished-jobs.ts'
import type { JobFilter } from '../../../src/lifecycle/finding/job-filter.ts'
import { type FindingParts, selectJobs } from '../../../src/lifecycle/finding/select-jobs.ts'
import { type JobEntry, NewestFirst } from '../../../src/lifecycle/newest-first.ts'
import type { FinalRecord } from '../../../src/lifecycle/records/final-record.ts'
import { createRecords, type Records } from '../../../src/lifecycle/records/records.ts'
import type { TrackedJob } from '../../../src/lifecycle/tracking/known-job.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { createLog } from '../../../src/util/log.ts'
import { finalRecord } from '../../support/api/job-answer.ts'
import { jobRequest } from '../../support/api/job-request.ts'
import { folderStore } from '../../support/store/folder-store.ts'

/** A process that finds jobs in a store; further ones over the same store are other replicas. */
export interface Finding extends FindingParts {
  store: ArtifactStore
  records: Records
  finished: FinishedJobs
  /** The uuids of the records that were read. */
  reads: string[]
  live(...jobs: Job[]): void
  /** Live jobs that are being stopped. */
  stopping(...jobs: Job[]): void
}

export async function finding(
  store?: ArtifactStore,
  more: Partial<Pick<FinishedParts, 'memoryMax' | 'isLeader' | 'clock'>> = {},
): Promise<Finding> {
  const own = store ?? (await folderStore())
  const reads: string[] = []
  const entries = new Map<string, JobEntry>()
  const written = createRecords(own, () => finished)
  const records: Records = {
    ...written,
    read(uuid) {
      reads.push(uuid)
      return written.read(uuid)
    },
  }
  const finished = new FinishedJobs({
    store: own,
    records,
    log: createLog('test', 'silent'),
    isLeader: () => true,
    ...more,
  })
  return {
    store: own,
    records,
    finished,
    reads,
    tracker: { newestFirst: () => new NewestFirst().of(entries) },
    live(...jobs) {
      for (const answer of jobs) entries.set(answer.job_uuid, { known: trackedJob(answer) })
    },
    stopping(...jobs) {
      for (const answer of jobs) entries.set(answer.job_uuid, { known: trackedJob(answer, true) })
    },
  }
}

/** The uuids of all that a filter finds. */
export async function uuidsOf(parts: FindingParts, filter: Partial<JobFilter>): Promise<string[]> {
  const { found } = await selectJobs(parts, { labels: [], ...filter }, { limit: 1000 })
  return found.map(({ uuid }) => uuid)
}

export function recordOf(job: Partial<Job> = {}): FinalRecord {
  const { name, labels = {} } = job
  return finalRecord(job, { request: jobRequest({ labels, ...(name !== undefined && { name }) }) })
}

export function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()
}

function trackedJob(answer: Job, isStopping = false): TrackedJob {
  const createdAt = Date.parse(answer.created_at)
  const cause = { reason: 'Canceled' as const, message: 'canceled by request' }
  const stop = { outcome: 'canceled' as const, cause, at: createdAt }
  const live = { uuid: answer.job_uuid, observation: { createdAt, ...(isStopping && { stop }) } }
  return { live, answer, assessment: { deleted: false } } as TrackedJob
}
