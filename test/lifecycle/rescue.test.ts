import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createFolderStore } from '../../src/artifact/folder.ts'
import type { JobBackend, LiveJob } from '../../src/job/backend.ts'
import type { Observation } from '../../src/job/observation.ts'
import { Tracker } from '../../src/lifecycle/tracker.ts'
import { createLog } from '../../src/log.ts'
import { temporaryFolder } from '../local/setup.ts'
import { attempt } from '../support/attempt.ts'
import { eventually } from '../support/eventually.ts'
import { jobRequest } from '../support/job-request.ts'

const uuid = '11111111-1111-4111-8111-111111111111'
const now = Date.now()
const times = { startedAt: now - 9000, finishedAt: now - 5000 }
const ended = attempt({ ...times, exitCode: 0 }, { ended: true })
const possible: Observation = {
  createdAt: now - 10_000,
  suspended: false,
  failedAttempts: 0,
  ended: { at: now - 4000 },
  attempt: { ...ended, uploader: { ...ended.uploader, ...times, exitCode: 137 } },
  rescue: { state: 'possible' },
}

it('asks for one rescue at a time, however long the cluster takes and however often the job changes', async () => {
  const { change, asked, answer } = await follow()
  await eventually(() => expect(asked()).toBe(1))
  for (let turn = 0; turn < 10; turn++) {
    await sleep(20)
    change({ progress: `${turn}` })
  }
  expect(asked()).toBe(1)
  answer()
  await sleep(300)
  expect(asked()).toBe(1)
  await eventually(() => expect(asked()).toBe(2))
})

it('finishes a job that comes to its end while a rescue is being asked for', async () => {
  const { change, asked, answer, finished } = await follow()
  await eventually(() => expect(asked()).toBe(1))
  change({ rescue: { state: 'over', message: 'refused' } })
  answer()
  await eventually(() => expect(finished()).toBe('failed'))
})

/** A tracker's job whose rescue is possible; each request for it hangs until it is answered. */
async function follow() {
  const store = createFolderStore(await temporaryFolder())
  await store.prepare()
  const listeners = new Set<(uuid: string) => void>()
  let live: LiveJob = {
    uuid,
    request: jobRequest(),
    requestSha256: '0',
    observation: possible,
    released: false,
  }
  let asked = 0
  let answer = () => {}
  let finished: string | undefined
  const backend: Partial<JobBackend> = {
    get: (one) => (one === uuid ? live : undefined),
    list: () => [live],
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onLease: () => () => {},
    holdsLease: () => true,
    rescue: async () => {
      asked++
      await new Promise<void>((resolve) => {
        answer = resolve
      })
    },
  }
  const tracker = new Tracker({
    backend: backend as JobBackend,
    store,
    log: createLog('test', 'silent'),
    finish: async (job) => {
      finished = job.answer.state
    },
    followLog: () => {},
    untilFollowed: async () => {},
    onForgotten: () => {},
    onGivenUp: () => {},
  })
  onTestFinished(async () => {
    answer()
    await tracker.close()
  })
  tracker.start()
  return {
    change(more: Partial<Observation>) {
      live = { ...live, observation: { ...live.observation, ...more } }
      for (const listener of listeners) listener(uuid)
    },
    asked: () => asked,
    answer: () => answer(),
    finished: () => finished,
  }
}
