import { StoreError, type StoreErrorKind } from '../../src/store/store.ts'
import { messageOf } from '../../src/util/errors.ts'

/** Why work can't go on; `reason` is one of `reasons` (src/job/job.ts). */
export interface Obstacle {
  reason: 'StoreUnavailable' | 'StorageFull' | 'Error'
  /** What is wrong, where, and what helps. */
  message: string
}

/** The obstacle that a failed call to the store `storeName` means. */
export function obstacleOf(error: unknown, what: string, storeName: string): Obstacle {
  const kind = error instanceof StoreError ? error.kind : undefined
  const [does, hint] = kind === undefined ? ['fails'] : words[kind]
  const reason = kind === 'full' ? 'StorageFull' : 'StoreUnavailable'
  const message = `the store ${storeName} ${does}: ${what}: ${messageOf(error)}`
  return { reason, message: hint === undefined ? message : `${message}; ${hint}` }
}

/** What the store does, and what helps. */
const words: Record<StoreErrorKind, [string, string?]> = {
  denied: ['refuses', "the uploader's credentials must allow reading and writing below jobs/"],
  full: ['is full', 'space must be made or the quota raised'],
  unavailable: ["doesn't answer", 'it must be running and reachable from here'],
  'not-found': ['lacks something', 'the bucket must exist'],
  corrupt: ['received other bytes than were sent'],
  invalid: ['refuses the request'],
  'precondition-failed': ['refuses the request'],
}
