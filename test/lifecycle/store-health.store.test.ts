import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createStoreHealth } from '../../src/lifecycle/store-health.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { type TemporaryBucket, temporaryBucket, testStore } from '../support/store/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../support/store/fault-proxy.ts'
import { s3Store } from '../support/store/s3-store.ts'
import { eventually } from '../support/time/eventually.ts'

let bucket: TemporaryBucket
let proxy: FaultProxy
let store: ArtifactStore

beforeEach(async () => {
  bucket = await temporaryBucket()
  proxy = await startFaultProxy(testStore().endpoint)
  store = storeWith(testStore().secretKey)
})

afterEach(async () => {
  vi.restoreAllMocks()
  await store.close()
  await proxy.close()
  await bucket.remove()
})

it('misses nothing while the store answers, and asks it once for all who want to know within 5 s', async () => {
  const head = vi.spyOn(store, 'head')
  const health = createStoreHealth(store)
  expect(await Promise.all([health.missing(), health.missing()])).toEqual([[], []])
  expect(await health.missing()).toEqual([])
  expect(head).toHaveBeenCalledTimes(1)
})

it('names a store that refuses its key, with the address', async () => {
  const denied = storeWith('wrong-secret')
  try {
    const [trouble] = await eventually(async () => {
      const missing = await createStoreHealth(denied).missing()
      if (missing.length === 0) throw new Error('nothing is missing')
      return missing
    })
    expect(trouble).toContain(proxy.url)
    expect(trouble).toMatch(/403|denied|signature/i)
  } finally {
    await denied.close()
  }
})

it('answers before the store’s timeout though the store hangs, and names it from the end of that try on', async () => {
  await proxy.setFault({ kind: 'hang' })
  const health = createStoreHealth(store)
  const start = performance.now()
  await health.missing()
  expect(performance.now() - start).toBeLessThan(5000)
  await eventually(async () => expect((await health.missing()).join()).toMatch(/no answer within 5 s/), {
    within: 20_000,
  })
})

it('names it no more once it answers again', async () => {
  await proxy.setFault({ kind: 'refuse' })
  const health = createStoreHealth(store)
  await eventually(async () => expect((await health.missing()).join()).toMatch(/can't be used/), {
    within: 20_000,
  })
  await proxy.setFault({ kind: 'pass' })
  await eventually(async () => expect(await health.missing()).toEqual([]), { within: 20_000 })
})

function storeWith(secretKey: string): ArtifactStore {
  return s3Store({ ...testStore(), endpoint: proxy.url, secretKey }, bucket.name)
}
