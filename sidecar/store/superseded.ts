import { jobKeys } from '../../src/result-format/job-keys.ts'
import { DamagedManifest } from '../../src/result-format/manifest/manifest-format.ts'
import { readHead } from '../../src/result-format/manifest/manifest-reader.ts'
import { type ArtifactStore, StoreError } from '../../src/store/store.ts'
import type { StoreCalls } from './store-calls.ts'

/** This attempt must not write to the store any more; the message says why. */
export class Superseded extends Error {
  override name = 'Superseded'
}

export interface Owner {
  job: string
  attempt: string
  store: ArtifactStore
}

/**
 * Checks that this attempt may still write: the API settles or removes the results of a lost node,
 * and the node may come back. Rejects with Superseded and Halted.
 */
export async function ensureNotSuperseded({ job, attempt, store }: Owner, calls: StoreCalls): Promise<void> {
  await calls.run('asking whether results are still wanted', async (signal) => {
    const [settled, isThere] = await Promise.all([
      visible(isSettledByApi(store, job, attempt, signal), false),
      // The first checkpoint proved the store; it is removed only with the whole job.
      visible(store.head(jobKeys.checkpoint(job, attempt, 1), signal).then(Boolean), true),
    ])
    if (settled) throw settledByApi()
    if (!isThere) throw new Superseded('The job was deleted: nothing more of it is stored.')
  })
}

/** True if the API has made the manifest of checkpoints. */
export async function isSettledByApi(
  store: ArtifactStore,
  job: string,
  attempt: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const head = await readHead(store, jobKeys.manifest(job, attempt), { signal })
    return head?.checkpoint !== undefined
  } catch (error) {
    if (error instanceof DamagedManifest) return false
    throw error
  }
}

export function settledByApi(): Superseded {
  const message = 'The attempt had been given up: what its checkpoints named is its result, nothing is added.'
  return new Superseded(message)
}

/** Without the right to list the bucket, AWS answers 403 instead of 404 for an absent object. */
async function visible<T>(answer: Promise<T>, unknown: T): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'denied') return unknown
    throw error
  }
}
