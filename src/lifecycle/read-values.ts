import type { Job } from '../job/job.ts'
import { parseValues, type Values } from '../job/word/values-file.ts'
import { jobKeys } from '../result-format/job-keys.ts'
import { readIfAny } from '../store/read-whole.ts'
import type { ArtifactStore } from '../store/store.ts'
import { defined } from '../util/objects.ts'

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
