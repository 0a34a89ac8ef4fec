import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { describeKeys } from './keys.ts'
import { describeList } from './list.ts'
import { describeObjects } from './objects.ts'
import { describeRanges } from './ranges.ts'
import { describeRelays } from './relays.ts'
import { describeSignals } from './signals.ts'
import { keysOf, type Suite } from './suite.ts'
import { describeUploads } from './uploads.ts'

export { expectKind, keysOf } from './suite.ts'

export interface StoreUnderTest {
  store: ArtifactStore
  dispose(): Promise<void>
}

/** The contract of every ArtifactStore. `makeStore` gives an empty store for this suite alone. */
export function describeStore(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let made: StoreUnderTest | undefined
    let folders = 0
    const suite: Suite = {
      get store(): ArtifactStore {
        if (made === undefined) throw new Error('the store is there only while tests run')
        return made.store
      },
      folder: () => `test-${folders++}/`,
    }

    beforeAll(async () => {
      made = await makeStore()
    })
    afterAll(() => made?.dispose())

    it('may be prepared twice', async () => {
      await suite.store.prepare()
      await suite.store.prepare()
      expect(await keysOf(suite.store, '')).toEqual([])
    })

    describeObjects(suite)
    describeRanges(suite)
    describeRelays(suite)
    describeKeys(suite)
    describeList(suite)
    describeUploads(suite)
    describeSignals(suite)
  })
}
