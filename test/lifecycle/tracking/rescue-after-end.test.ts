import { expect, it, onTestFinished } from 'vitest'
import type { Observation } from '../../../src/job/state/observation.ts'
import { attempt } from '../../support/api/attempt.ts'
import { folderStore } from '../../support/store/folder-store.ts'
import { manualClock } from '../../support/time/manual-clock.ts'
import { liveJob, ShownJobs, startTracker } from './setup.ts'

it('asks for one rescue at a time, although the cluster takes long and the job changes often', async () => {
  const { clock, change, asked, answer } = await follow()
  await clock.until(() => expect(asked()).toBe(1))
  for (let turn = 0; turn < 10; turn++) {
    await clock.advance(2000)
    change({ progress: `${turn}` })
  }
  expect(asked()).toBe(1)
  answer()
  await clock.advance(900)
  expect(asked()).toBe(1)
  await clock.until(() => expect(asked()).toBe(2))
})

it('archives a job whose rescue fails while it is being asked for', async () => {
  const { clock, change, asked, answer, archived } = await follow()
  await clock.until(() => expect(asked()).toBe(1))
  change({ rescue: { state: 'over', message: 'refused' } })
  answer()
  await clock.until(() => expect(archived()).toBe('failed'), { within: 500 })
})

/** A tracker's job whose rescue is possible; each request for it hangs until it is answered. */
async function follow() {
  const clock = manualClock()
  const now = clock.now()
  const times = { startedAt: now - 9000, finishedAt: now - 5000 }
  const ended = attempt({ ...times, exitCode: 0 }, { ended: true })
  const job = liveJob({
    createdAt: now - 10_000,
    ended: { at: now - 4000 },
    attempt: { ...ended, uploader: { ...ended.uploader, ...times, exitCode: 137 } },
    rescue: { state: 'possible' },
  })
  let asked = 0
  let answer = () => {}
  let archived: string | undefined
  const shown = new ShownJobs([job], {
    async rescue() {
      asked++
      await new Promise<void>((resolve) => {
        answer = resolve
      })
    },
  })
  startTracker(shown.backend, await folderStore(), {
    clock,
    async archive({ answer: { state } }) {
      archived = state
    },
  })
  onTestFinished(() => answer())
  return {
    clock,
    change: (more: Partial<Observation>) => shown.change(job.uuid, more),
    asked: () => asked,
    answer: () => answer(),
    archived: () => archived,
  }
}
