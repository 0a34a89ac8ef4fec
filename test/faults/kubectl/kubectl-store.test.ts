import { expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { testStore } from '../../support/store/bucket.ts'
import { startFaultProxy } from '../../support/store/fault-proxy.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault } from '../plan.ts'
import { deaf, startMeddling } from './meddling.ts'

fault(
  'a Job is deleted while the store is down → released with a log line after its grace and 60 s, archived later',
  180,
  async () => {
    const proxy = await startFaultProxy(testStore().endpoint)
    const my = await startMeddling('given-up', { environment: { S3_ENDPOINT: proxy.url } })
    try {
      const uuid = await my.deploy(deaf, { stop_grace_seconds: 2 })
      await my.untilRunning(uuid)
      await proxy.setFault({ kind: 'refuse' })
      const began = Date.now()
      await my.deleteJob(uuid, 'background')
      await eventually(async () => expect(await my.within('get', 'jobs', '-o', 'name')).toBe(''), {
        within: 100_000,
        every: 500,
      })
      const seconds = (Date.now() - began) / 1000
      console.info(`let go ${seconds} s after the deletion`)
      expect(seconds).toBeGreaterThan(55)
      expect(my.api.log.join('\n')).toMatch(/a deleted Job is released without its record/)
      expect(await (await fetch(`${my.url}/metrics`)).text()).toContain('jobferry_jobs_given_up_total 1')
      expect(await getJson<Job>(`${my.url}/job/${uuid}`)).toMatchObject({ state: 'storing' })

      await proxy.setFault({ kind: 'pass' })
      const ended = await waitForFinal(my.url, uuid, 60)
      expect(ended).toMatchObject({ state: 'failed', reason: 'JobDeleted', result: { state: 'partial' } })
      await my.expectFile(uuid)
      await eventually(async () => expect(await my.listed()).toContain(uuid), { within: 30_000 })
      await my.remove(uuid)
    } finally {
      await proxy.setFault({ kind: 'pass' })
      await my.close()
      await proxy.close()
    }
  },
)
