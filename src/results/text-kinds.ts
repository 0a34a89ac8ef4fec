import { LRUCache } from 'lru-cache'
import { Semaphore } from '../util/semaphore.ts'
import type { TextKind } from '../util/text/text-kind.ts'

/** A file is looked at before its answer counts as a download. */
const looksAtOnce = 32

/** What the first bytes of up to 10,000 files are, by the files' SHA-256. */
export interface TextKinds {
  get(sha256: string): TextKind | undefined
  set(sha256: string, kind: TextKind): void
  /**
   * Limits the looks at once; resolves with the function that ends one. Rejects once `signal` is
   * aborted.
   */
  beginLook(signal: AbortSignal): Promise<() => void>
}

export function createTextKinds(): TextKinds {
  const kinds = new LRUCache<string, TextKind>({ max: 10_000 })
  const looks = new Semaphore(looksAtOnce)
  return {
    get: (sha256) => kinds.get(sha256),
    set: (sha256, kind) => void kinds.set(sha256, kind),
    beginLook: (signal) => looks.acquire(undefined, signal),
  }
}
