import { expect, it } from 'vitest'
import { createLiveJobLimit } from '../../../src/lifecycle/deploy/live-job-limit.ts'
import { folderStore } from '../../support/store/folder-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { liveJob, ShownJobs, startTracker } from '../tracking/setup.ts'

it('counts live jobs by the token that made them, and jobs that are being made', async () => {
  const alices = [liveJob(), liveJob()].map((job) => ({ ...job, madeBy: 'alice' }))
  const shown = new ShownJobs([...alices, { ...liveJob(), madeBy: 'bob' }, liveJob()])
  const tracker = startTracker(shown.backend, await folderStore())
  const limit = createLiveJobLimit(tracker, () => 3)
  expect(['alice', 'bob', null, 'carol'].map((name) => limit.count(name))).toEqual([2, 1, 1, 0])

  const end = limit.begin('third', 'alice')
  expect(limit.count('alice')).toBe(3)
  expect(() => limit.begin('fourth', 'alice')).toThrow(/3 jobs of the token alice .*live_jobs_per_token/)
  limit.begin('fourth', 'bob')
  end()
  limit.begin('fourth', 'alice')
  expect(() => limit.begin('fifth', 'alice')).toThrow()
  shown.lose(alices[0]?.uuid ?? '')
  await eventually(() => expect(limit.count('alice')).toBe(2))
})

it('counts a job once that is known before its creation is over', async () => {
  const job = { ...liveJob(), madeBy: 'alice' }
  const shown = new ShownJobs([])
  const limit = createLiveJobLimit(startTracker(shown.backend, await folderStore()), () => 2)
  limit.begin(job.uuid, 'alice')
  shown.put(job)
  expect(limit.count('alice')).toBe(1)
})
