import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobBackend } from '../../src/job/backend.ts'
import { LeaseHolder } from '../../src/kubernetes/lease.ts'
import { leaseName } from '../../src/kubernetes/names.ts'
import { createLog } from '../../src/log.ts'
import { eventually } from '../support/eventually.ts'
import { type ClusterUnderTest, clusterUnderTest } from './setup.ts'

describe('the Lease', { timeout: 120_000 }, () => {
  let under: ClusterUnderTest
  let other: JobBackend
  beforeAll(async () => {
    under = await clusterUnderTest({ identity: 'first' })
    await eventually(() => expect(under.backend.holdsLease()).toBe(true), { within: 30_000 })
    other = under.another({ identity: 'second' })
    await other.start()
  })
  afterAll(async () => {
    await other.close()
    await under.close()
  })

  it('has one holder, and another soon after the first has given it back', async () => {
    const heard: boolean[] = []
    other.onLease((held) => heard.push(held))
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    expect([under.backend.holdsLease(), other.holdsLease()]).toEqual([true, false])

    await under.backend.close()
    expect(under.backend.holdsLease()).toBe(false)
    await eventually(() => expect(other.holdsLease()).toBe(true), { within: 8_000 })
    expect(heard).toEqual([true])
  })

  it('is taken over when its holder is heard of no more, and not before', async () => {
    await other.close()
    await under.restart()
    await eventually(() => expect(under.backend.holdsLease()).toBe(true), { within: 30_000 })
    const holder = await under.api.leases.get(leaseName)
    await under.backend.close()
    // As a process that was killed leaves it.
    const now = await under.api.leases.get(leaseName)
    await under.api.leases.replace(leaseName, { ...now, spec: { ...holder?.spec } })

    const taker = new LeaseHolder({ api: under.api, log: createLog('test', 'silent'), identity: 'third' })
    const began = Date.now()
    taker.start()
    await eventually(() => expect(taker.held).toBe(true), { within: 30_000 })
    expect(Date.now() - began).toBeGreaterThan(15_000)
    expect((await under.api.leases.get(leaseName))?.spec?.holderIdentity).toBe('third')
    await taker.close()
    expect((await under.api.leases.get(leaseName))?.spec?.holderIdentity).toBe('')
  })
})
