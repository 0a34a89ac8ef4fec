import { expect, it, onTestFinished } from 'vitest'
import { soleLeader } from '../../../src/job/leadership.ts'
import { Broker } from '../../../src/messaging/broker/broker.ts'
import { createAnnouncements } from '../../../src/messaging/outgoing/announcements.ts'
import type { JobEndConsumer } from '../../../src/notifications/job-ends.ts'
import type { Message } from '../../../src/notifications/outbox/outbox.ts'
import { createLog } from '../../../src/util/log.ts'
import { createMetrics } from '../../../src/util/metrics.ts'
import { folderStore } from '../../support/store/folder-store.ts'
import { at, done, runningJob } from './running-job.ts'

it('tells the end of a step that is seen only with the end of its job, before that', async () => {
  const told: Message[] = []
  let consumer: JobEndConsumer | undefined
  const unused = () => Promise.reject(new Error('not of this test'))
  const log = createLog('test', 'silent')
  const names = { queue: 'q', exchange: 'e', dead: 'd' }
  const announcements = createAnnouncements({
    ends: {
      ...{ add: unused, replace: unused, remove: unused, get: unused, list: unused },
      register(given) {
        consumer = given
      },
    },
    outbox: {
      ...{ history: unused, damaged: unused, again: unused, register: () => undefined },
      add: async (message) => void told.push(message),
    },
    jobs: { log: unused },
    store: await folderStore(),
    // Never started: nothing is sent.
    broker: new Broker({
      address: { url: 'amqp://none', ca: undefined },
      names,
      prefetch: 1,
      log,
      metrics: createMetrics(),
    }),
    ...{ leadership: soleLeader, log, caller: 'amqp', progressSeconds: 5, logLines: 0 },
    ...{ exchange: names.exchange, source: 'urn:jobferry:test' },
  })
  onTestFinished(() => announcements.close())
  const job = runningJob({ state: 'succeeded', finished_at: at, steps: [{ name: 'a', ...done }] })
  for (let time = 0; time < 2; time++) {
    await consumer?.jobEnded(job, { kind: 'amqp', id: '1', data: { message_id: 'run-1' } })
  }
  expect(told.slice(0, 3).map(({ event }) => event)).toEqual(['job.step', 'job.step', 'job.succeeded'])
  expect(told[1]?.data).toMatchObject({ correlationid: 'run-1', data: { step: { state: 'succeeded' } } })
  const keys = told.map(({ seq, id }) => [seq, id])
  expect(keys.slice(3)).toEqual(keys.slice(0, 3))
})
