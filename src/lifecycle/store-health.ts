import type { ArtifactStore } from '../store/store.ts'
import { messageOf } from '../util/errors.ts'
import { within } from '../util/timers.ts'

/** A younger answer is taken again. */
const freshMilliseconds = 5_000
/** A kubelet gives a probe one second by default: a later answer is given to the next probe. */
const waitMilliseconds = 500
const probeMilliseconds = 5_000

/** Beside the jobs: their folder must be readable, too. */
const absentKey = 'jobs/health'

export interface StoreHealth {
  /**
   * The store's problems, for people; empty if there are none. Resolves within half a second, never
   * rejects.
   */
  missing(): Promise<string[]>
}

/** Checks the store by asking for an absent object when missing() is called, at most every 5 s. */
export function createStoreHealth(store: ArtifactStore): StoreHealth {
  let trouble: string | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  const ask = async () => {
    try {
      await store.head(absentKey, AbortSignal.timeout(probeMilliseconds))
      trouble = undefined
    } catch (error) {
      const late = error instanceof Error && error.name === 'TimeoutError'
      trouble = late ? `no answer within ${probeMilliseconds / 1000} s` : messageOf(error)
    } finally {
      askedAt = Date.now()
      asking = undefined
    }
  }

  return {
    async missing() {
      if (Date.now() - askedAt > freshMilliseconds) {
        asking ??= ask()
        await within(waitMilliseconds, asking)
      }
      return trouble === undefined ? [] : [`the store ${store.name} can't be used: ${trouble}`]
    },
  }
}
