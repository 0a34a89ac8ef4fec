import { jobKeys } from '../../src/result-format/job-keys.ts'
import { readIfAny } from '../../src/store/read-whole.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { parseJsonObject } from '../../src/util/objects.ts'
import { InputError } from './input-error.ts'

/**
 * The UID of the attempt with the result of another job that this one has waited for, as the API wrote
 * it down before it let this job begin. Rejects with StoreError, and with InputError without a result.
 */
export async function awaitedAttempt(
  store: ArtifactStore,
  job: string,
  uuid: string,
  signal: AbortSignal,
): Promise<string> {
  const bytes = await readIfAny(store, jobKeys.inputAttempts(job), { signal })
  const attempt = parseJsonObject(bytes?.toString('utf8'))?.[uuid]
  if (typeof attempt === 'string') return attempt
  throw new InputError('InputUnavailable', `job:${uuid}/: that job ended without a result`)
}
