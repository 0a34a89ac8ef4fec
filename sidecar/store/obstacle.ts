import { StoreError, type StoreErrorKind } from '../../src/artifact/store.ts'
import { messageOf } from '../../src/errors.ts'

/** Why something does not get on; `reason` is of contract.md's list. */
export interface Obstacle {
  reason: 'StoreUnavailable' | 'StorageFull' | 'UploadTimeout'
  /** For people: what is wrong, where, and what helps. */
  message: string
}

/** What kept a call to the store, which is called `storeName`, from succeeding. */
export function obstacleOf(error: unknown, what: string, storeName: string): Obstacle {
  const kind = error instanceof StoreError ? error.kind : undefined
  const hint = kind === undefined ? undefined : hints[kind]
  const message = `${what}: ${messageOf(error)} (${storeName})${hint === undefined ? '' : `; ${hint}`}`
  return { reason: kind === 'full' ? 'StorageFull' : 'StoreUnavailable', message }
}

const hints: Partial<Record<StoreErrorKind, string>> = {
  denied: "the uploader's credentials must allow reading and writing below jobs/",
  full: 'space must be made or the quota raised',
  unavailable: 'it must be running and reachable from here',
  'not-found': 'the bucket must exist',
}
