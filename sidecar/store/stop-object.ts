import { jobKeys } from '../../src/result-format/job-keys.ts'
import { readIfAny } from '../../src/store/read-whole.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { isObject, parseJsonObject } from '../../src/util/objects.ts'

/** `jobs/<uuid>/stop`: by it the API stops an uploader that Kubernetes can't reach any more. */
export interface StopObject {
  /**
   * `deleted`: nothing may be written any more. Otherwise a last checkpoint lists the stored files.
   */
  outcome: 'canceled' | 'failed' | 'deleted'
  /** One of `reasons` (src/job/job.ts). */
  reason: string
  message: string
}

/** Undefined if there is none. Rejects with StoreError. */
export async function readStop(
  store: ArtifactStore,
  job: string,
  signal: AbortSignal,
): Promise<StopObject | undefined> {
  const bytes = await readIfAny(store, jobKeys.stop(job), { signal })
  return bytes && parseStop(bytes.toString('utf8'))
}

/** A text that can't be parsed counts as `canceled`. */
export function parseStop(text: string): StopObject {
  const { outcome, cause } = parseJsonObject(text) ?? {}
  const { reason, message } = isObject(cause) ? cause : {}
  const known = outcome === 'deleted' || outcome === 'failed' ? outcome : 'canceled'
  return {
    outcome: known,
    reason: typeof reason === 'string' ? reason : known === 'deleted' ? 'JobDeleted' : 'Canceled',
    message: typeof message === 'string' ? message : `The job was ${known === 'failed' ? 'stopped' : known}.`,
  }
}
