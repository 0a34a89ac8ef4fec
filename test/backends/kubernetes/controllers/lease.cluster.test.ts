import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LeaseHolder } from '../../../../src/backends/kubernetes/controllers/lease.ts'
import { leaseName } from '../../../../src/backends/kubernetes/names.ts'
import { createLog } from '../../../../src/util/log.ts'
import { eventually } from '../../../support/time/eventually.ts'
import { type ClusterUnderTest, clusterUnderTest } from '../setup.ts'

describe('the Lease', () => {
  let under: ClusterUnderTest
  let other: ReturnType<ClusterUnderTest['another']>
  beforeAll(async () => {
    under = await clusterUnderTest({ identity: 'first' })
    await eventually(() => expect(under.leadership.isLeader()).toBe(true), { within: 30_000 })
    other = under.another({ identity: 'second' })
    await other.backend.start()
  })
  afterAll(async () => {
    await other.backend.close()
    await under.close()
  })

  it('has one holder, and the other soon after the first has released it', async () => {
    const changes: boolean[] = []
    other.leadership.onChange((isLeader) => changes.push(isLeader))
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    expect([under.leadership.isLeader(), other.leadership.isLeader()]).toEqual([true, false])

    await under.backend.close()
    expect(under.leadership.isLeader()).toBe(false)
    await eventually(() => expect(other.leadership.isLeader()).toBe(true), { atMost: 14_000 })
    expect(changes).toEqual([true])
  })

  it('is taken over after its holder stopped renewing it, and not before it expires', async () => {
    await other.backend.close()
    await under.restart()
    await eventually(() => expect(under.leadership.isLeader()).toBe(true), { within: 30_000 })
    const holder = await under.api.leases.get(leaseName)
    await under.backend.close()
    // A killed process leaves the Lease with its own name as holder.
    const now = await under.api.leases.get(leaseName)
    await under.api.leases.replace(leaseName, { ...now, spec: { ...holder?.spec } })

    const taker = new LeaseHolder({ api: under.api, log: createLog('test', 'silent'), identity: 'third' })
    const began = Date.now()
    taker.start()
    await eventually(() => expect(taker.isLeader()).toBe(true), { within: 30_000 })
    expect(Date.now() - began).toBeGreaterThan(15_000)
    expect((await under.api.leases.get(leaseName))?.spec?.holderIdentity).toBe('third')
    await taker.close()
    expect((await under.api.leases.get(leaseName))?.spec?.holderIdentity).toBe('')
  })
})
