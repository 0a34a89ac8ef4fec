import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import { describeKeys } from './conformance/keys.ts'
import { describeList } from './conformance/list.ts'
import { describeObjects } from './conformance/objects.ts'
import { describeRanges } from './conformance/ranges.ts'
import { describeRelays } from './conformance/relays.ts'
import { describeSignals } from './conformance/signals.ts'
import { keysOf, type Suite } from './conformance/suite.ts'
import { describeUploads } from './conformance/uploads.ts'

export { expectKind, keysOf } from './conformance/suite.ts'

export interface StoreUnderTest {
  store: ArtifactStore
  dispose(): Promise<void>
}

/** What every ArtifactStore promises; the store that `makeStore` gives is empty and the suite's own. */
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

    it('proves again that it can be used', async () => {
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
