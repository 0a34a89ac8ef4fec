import { expect, it, onTestFinished } from 'vitest'
import { JobCache } from '../../../../src/backends/kubernetes/cache/job-cache.ts'
import { LeaseHolder } from '../../../../src/backends/kubernetes/controllers/lease.ts'
import { observeCluster } from '../../../../src/backends/kubernetes/controllers/observers.ts'
import { quietRemoval } from '../../../../src/job/removal.ts'
import { createLog } from '../../../../src/util/log.ts'
import { manualClock } from '../../../support/time/manual-clock.ts'
import { answeringApi } from '../answering-api.ts'
import { job } from '../objects.ts'

it("reads no events and lists no single job's pods before the first lists of all Jobs and pods", async () => {
  const cluster = { listsPods: false }
  const asked: string[] = []
  const api = await answeringApi(({ pathname, searchParams }) => {
    const resource = pathname.split('/').at(-1) ?? ''
    asked.push([resource, searchParams.get('fieldSelector')].filter(Boolean).join(' '))
    if (resource === 'jobs') return { metadata: { resourceVersion: '10' }, items: [job()] }
    return resource === 'pods' && !cluster.listsPods ? {} : { metadata: { resourceVersion: '10' }, items: [] }
  })
  const [log, clock, cache] = [createLog('test', 'silent'), manualClock(), new JobCache()]
  const observed = observeCluster({
    ...{ client: api.client, api, cache, log, clock, rules: quietRemoval },
    lease: new LeaseHolder({ api, log }),
    lostNodeMilliseconds: 300_000,
  })
  onTestFinished(() => observed.close())
  await observed.watchers[0].listed
  await clock.until(() => expect(asked.filter((one) => one === 'pods').length).toBeGreaterThan(2))
  await clock.advance(60_000)
  expect(asked.filter((one) => one.startsWith('events'))).toEqual([])

  cluster.listsPods = true
  await clock.until(() => expect(asked).toContain('events involvedObject.uid=job-uid,type=Warning'))
})
