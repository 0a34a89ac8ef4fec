import { layout } from '../../src/artifact/layout.ts'
import { DamagedManifest } from '../../src/artifact/manifest-format.ts'
import { readHead } from '../../src/artifact/manifest-reader.ts'
import { type ArtifactStore, StoreError } from '../../src/artifact/store.ts'
import type { StoreCalls } from './store-calls.ts'

/** Nothing more of this attempt is wanted in the store; the message says why. */
export class Superseded extends Error {
  override name = 'Superseded'
}

export interface Owner {
  job: string
  attempt: string
  store: ArtifactStore
}

/**
 * Makes sure that this attempt may still write: the API takes the results of a node that was lost as they are, or
 * removes them, and the node may come back. Throws Superseded and Halted.
 */
export async function ensureWanted({ job, attempt, store }: Owner, calls: StoreCalls): Promise<void> {
  await calls.run('asking whether results are still wanted', async (signal) => {
    const [settled, isThere] = await Promise.all([
      visible(isSettledByApi(store, job, attempt, signal), false),
      // The first checkpoint proved the store: it goes only with the whole job.
      visible(store.head(layout.checkpoint(job, attempt, 1), signal).then(Boolean), true),
    ])
    if (settled) throw settledByApi()
    if (!isThere) throw new Superseded('The job was deleted: nothing more of it is stored.')
  })
}

/** Whether the manifest that stands is one that the API made of checkpoints. */
export async function isSettledByApi(
  store: ArtifactStore,
  job: string,
  attempt: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const head = await readHead(store, layout.manifest(job, attempt), { signal })
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

/** AWS denies whoever may not list the bucket a look at what is not there, instead of saying so. */
async function visible<T>(answer: Promise<T>, unknown: T): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'denied') return unknown
    throw error
  }
}
