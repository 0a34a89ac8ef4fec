import { isFinal, type Job } from '../job/job.ts'
import { parseValues, type Values } from '../job/word/values-file.ts'
import { jobKeys } from '../result-format/job-keys.ts'
import { readIfAny } from '../store/read-whole.ts'
import { type ArtifactStore, StoreError } from '../store/store.ts'
import { defined } from '../util/objects.ts'
import { timeoutSignal } from '../util/timers.ts'
import type { Records } from './records/records.ts'
import { translateStoreErrors } from './translate-store-errors.ts'

/** A live job's answer waits no longer for a store. */
const patienceMilliseconds = 2000

/**
 * What the worker of the job's last attempt left in `values.json`; undefined if it left nothing.
 * Read anew each time: thousands of jobs' values would fill the memory. Rejects with StoreError.
 */
export async function readValues(
  store: ArtifactStore,
  { job_uuid: uuid, attempt, values_bytes: bytes }: Job,
  signal?: AbortSignal,
): Promise<Values | undefined> {
  if (bytes === undefined || attempt === null) return undefined
  const text = await readIfAny(store, jobKeys.values(uuid, attempt.uid), defined({ signal }))
  const parsed = text && parseValues(text.toString('utf8'))
  return parsed && 'values' in parsed ? parsed.values : undefined
}

/** As Jobs.withValues(). Once a job has its record, only that counts: it outlives the results. */
export async function withValues(
  { store, records }: { store: ArtifactStore; records: Pick<Records, 'read'> },
  job: Job,
): Promise<Job> {
  if (job.values_bytes === undefined) return job
  if (!isFinal(job.state)) {
    const values = await readValues(store, job, timeoutSignal(patienceMilliseconds)).catch(ofStore)
    return { ...job, ...defined({ values }) }
  }
  const values = await translateStoreErrors(
    async () => (await records.read(job.job_uuid))?.values ?? (await readValues(store, job)),
  )
  return { ...job, ...defined({ values }) }
}

function ofStore(error: unknown): undefined {
  if (error instanceof StoreError || (error instanceof Error && error.name === 'TimeoutError')) return
  throw error
}
