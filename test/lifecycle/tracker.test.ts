import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { LiveJob } from '../../src/job/backend.ts'
import { Tracker } from '../../src/lifecycle/tracker.ts'
import { createLog } from '../../src/log.ts'
import { shellRequest, startBackend, temporaryFolder } from '../local/setup.ts'
import { eventually } from '../support/eventually.ts'
import { folderStore } from '../support/folder-store.ts'

it('stops nothing for its time while the backend does not see what happens', async () => {
  const backend = await startBackend(await temporaryFolder())
  let current = false
  const tracker = await track(Object.assign(backend, { isCurrent: () => current }), async () => undefined)
  const uuid = randomUUID()
  await backend.create({ uuid, request: shellRequest('sleep 60', { timeout_seconds: 1 }), requestSha256: '' })
  await eventually(() => expect(tracker.get(uuid)?.answer.state).toBe('running'))
  await sleep(2500)
  expect(tracker.get(uuid)?.live.observation.stop).toBeUndefined()
  current = true
  await eventually(() =>
    expect(tracker.get(uuid)?.live.observation.stop?.cause.reason).toBe('TimeoutExceeded'),
  )
})

it('ends what is still tried for a job that was given up, before anything of it is removed', async () => {
  const backend = await startBackend(await temporaryFolder())
  const live = deletedLongAgo()
  let held: LiveJob | undefined = live
  let changed: (uuid: string) => void = () => undefined
  Object.assign(backend, {
    get: () => held,
    list: () => [live],
    subscribe(listener: (uuid: string) => void) {
      changed = listener
      return () => undefined
    },
    async discard() {
      held = undefined
    },
  })
  const writing = Promise.withResolvers<void>()
  let tries = 0
  const tracker = await track(backend, async () => {
    tries += 1
    if (tries === 1) throw new Error('the store is away')
    await writing.promise
    throw new Error('the store is away')
  })
  await eventually(() => expect(tries).toBe(1))
  changed(live.uuid)
  await eventually(() => expect([tries, held]).toEqual([2, undefined]))
  let dropped = false
  const dropping = tracker.dropGivenUp(live.uuid).then(() => {
    dropped = true
  })
  await sleep(100)
  expect([dropped, tracker.get(live.uuid)]).toEqual([false, undefined])
  writing.resolve()
  await dropping
  await sleep(1500)
  expect([tries, tracker.get(live.uuid)]).toEqual([2, undefined])
})

async function track(
  backend: Awaited<ReturnType<typeof startBackend>>,
  finish: () => Promise<void>,
): Promise<Tracker> {
  const ignore = () => undefined
  const untilFollowed = async () => undefined
  const calls = { followLog: ignore, untilFollowed, onForgotten: ignore, onGivenUp: ignore }
  const log = createLog('test', 'silent')
  const tracker = new Tracker({ backend, store: await folderStore(), log, finish, ...calls })
  tracker.start()
  onTestFinished(() => tracker.close())
  return tracker
}

function deletedLongAgo(): LiveJob {
  const observation = { createdAt: 1, suspended: false, failedAttempts: 0, deletedAt: 2, ended: { at: 2 } }
  const request = shellRequest('exit 0')
  return { uuid: randomUUID(), request, requestSha256: '', released: false, observation }
}
