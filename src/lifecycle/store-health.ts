import type { ArtifactStore } from '../artifact/store.ts'
import { within } from '../artifact/timers.ts'
import { messageOf } from '../errors.ts'

/** An answer that is younger counts as the present one. */
const freshMilliseconds = 5_000
/** Kubelets give a probe one second as a rule: what isn't known by then is told by the next one. */
const waitMilliseconds = 500
const probeMilliseconds = 5_000

export interface StoreHealth {
  /** What is wrong with the store, for people; empty when nothing is. Resolves within half a second, never rejects. */
  missing(): Promise<string[]>
}

/** Asks the store for an object that isn't there, at most every 5 s, and only when somebody wants to know. */
export function createStoreHealth(store: ArtifactStore): StoreHealth {
  let trouble: string | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  const ask = async () => {
    try {
      await store.head('health', AbortSignal.timeout(probeMilliseconds))
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
