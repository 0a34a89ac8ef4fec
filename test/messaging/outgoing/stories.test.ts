import { expect, it, onTestFinished } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { soleLeader } from '../../../src/job/leadership.ts'
import type { StoryEvent } from '../../../src/messaging/outgoing/job-events.ts'
import { Stories } from '../../../src/messaging/outgoing/stories.ts'
import { createLog } from '../../../src/util/log.ts'
import { eventually } from '../../support/time/eventually.ts'
import { runningJob } from './running-job.ts'

it('keeps the newest progress until the broker is connected', async () => {
  const told: StoryEvent[] = []
  let isConnected = false
  const stories = new Stories({
    leadership: soleLeader,
    log: createLog('test', 'silent'),
    caller: 'amqp',
    progressSeconds: 0.02,
    isConnected: () => isConnected,
    announce: async (_, event) => void told.push(event),
  })
  onTestFinished(() => stories.close())
  const say = (percent: number) => watch({ progress: { percent, message: null, updated_at: soon(percent) } })
  const watch = (given: Partial<Job>) => {
    const job = runningJob({ made_by: 'amqp', ...given })
    stories.watch({ uuid: job.job_uuid, job, deleted: false, request: undefined })
  }
  for (const percent of [10, 20, 30]) say(percent)
  await stories.settled(runningJob({}).job_uuid)
  expect(told.map(({ type }) => type)).toEqual(['job.running'])
  isConnected = true
  await eventually(() => expect(told).toHaveLength(2))
  expect(told[1]).toMatchObject({ type: 'job.progress', data: { progress: { percent: 30 } } })
})

/** Not before the process's start: what is older may have been told. */
function soon(milliseconds: number): string {
  return new Date(Date.now() + milliseconds).toISOString()
}
