import { isFinal, type Job } from '../job/job.ts'
import type { Values } from '../job/word/values-file.ts'
import { type ArtifactStore, StoreError } from '../store/store.ts'
import { defined } from '../util/objects.ts'
import { timeoutSignal } from '../util/timers.ts'
import { jobOfRecord } from './job-answer.ts'
import { pastOf } from './job-past.ts'
import { readValues } from './read-values.ts'
import type { FinalRecord } from './records/final-record.ts'
import type { Records } from './records/records.ts'
import type { TrackedJob } from './tracking/known-job.ts'
import type { Tracker } from './tracking/tracker.ts'
import { translateStoreErrors } from './translate-store-errors.ts'

interface Parts {
  store: ArtifactStore
  records: Pick<Records, 'read'>
  tracker: Pick<Tracker, 'get' | 'look'>
}

/** A live job's answer waits no longer for a store. */
const patienceMilliseconds = 2000

/** As Jobs.detailed(). */
export async function detailedJob(parts: Parts, uuid: string): Promise<Job | undefined> {
  const { records, tracker } = parts
  const tracked = tracker.get(uuid)
  if (tracked) return await detailedLive(parts, tracked)
  const record = await translateStoreErrors(() => records.read(uuid))
  if (record) return await detailedRecord(parts, record)
  // Another replica may have made the job a moment ago, before this one's watch delivered it.
  await tracker.look(uuid)
  const found = tracker.get(uuid)
  return found && (await detailedLive(parts, found))
}

async function detailedLive(parts: Parts, tracked: TrackedJob): Promise<Job | undefined> {
  if (tracked.assessment.deleted) return undefined
  const { answer } = tracked
  const values = answer.values_bytes === undefined ? undefined : await valuesOfLive(parts, answer)
  return { ...answer, ...defined({ values }), ...pastOf(tracked) }
}

/** Once a job has its record, only that counts: it outlives the results. */
async function valuesOfLive({ store, records }: Parts, job: Job): Promise<Values | undefined> {
  if (!isFinal(job.state)) {
    return await readValues(store, job, timeoutSignal(patienceMilliseconds)).catch(ofStore)
  }
  return await translateStoreErrors(
    async () => (await records.read(job.job_uuid))?.values ?? (await readValues(store, job)),
  )
}

async function detailedRecord({ store }: Parts, record: FinalRecord): Promise<Job> {
  const job = jobOfRecord(record, Date.now())
  const { values = await translateStoreErrors(() => readValues(store, job)), history, usage } = record
  return { ...job, ...defined({ values, history: history && [...history], usage }) }
}

function ofStore(error: unknown): undefined {
  if (error instanceof StoreError || (error instanceof Error && error.name === 'TimeoutError')) return
  throw error
}
