import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { layout } from '../../src/artifact/layout.ts'
import { writeManifest } from '../../src/artifact/manifest-writer.ts'
import { putStream } from '../../src/artifact/put-stream.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import type { LiveJob } from '../../src/job/backend.ts'
import type { Observation } from '../../src/job/observation.ts'
import { Tracker, type TrackerOptions } from '../../src/lifecycle/tracker.ts'
import { createLog } from '../../src/log.ts'
import { headFor, recording } from '../artifact/fixtures.ts'
import { shellRequest, startBackend, temporaryFolder } from '../local/setup.ts'
import { attempt } from '../support/attempt.ts'
import { each } from '../support/each.ts'
import { eventually } from '../support/eventually.ts'
import { folderStore } from '../support/folder-store.ts'

it('works for a bounded number of jobs at once though hundreds end together', async () => {
  const jobs = Array.from({ length: 300 }, () => live({ ended: { at: 2 } }))
  const [listings, tellings, finishings] = [new AtOnce(), new AtOnce(), new AtOnce()]
  const store = await folderStore()
  const slow: ArtifactStore = {
    ...store,
    async *list(...args) {
      await listings.use()
      yield* store.list(...args)
    },
  }
  await track(jobs, slow, {
    tellEnd: () => tellings.use(),
    async finish(_, isTold) {
      await isTold()
      await finishings.use()
    },
  })
  await eventually(() => expect(finishings.ended).toBe(300), { within: 30_000 })
  expect([listings.ended, tellings.ended]).toEqual([300, 300])
  expect(Math.max(listings.most, tellings.most)).toBeLessThanOrEqual(64)
  expect(finishings.most).toBeLessThanOrEqual(32)
  expect(Math.min(listings.most, tellings.most, finishings.most)).toBeGreaterThan(10)
})

it('tells of other ends and finishes them while those who wait for dozens can not be told yet', async () => {
  const jobs = Array.from({ length: 100 }, () => live({ ended: { at: 2 } }))
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  let [begun, finished] = [0, 0]
  await track(jobs, await folderStore(), {
    tellEnd: () => {
      begun += 1
      return begun <= 64 ? answered : Promise.resolve()
    },
    async finish(_, isTold) {
      await isTold()
      finished += 1
    },
  })
  await eventually(() => expect([begun, finished]).toEqual([100, 36]), { within: 30_000 })
  answer()
  await eventually(() => expect(finished).toBe(100))
})

it('finishes other jobs while the logs of dozens are silent', async () => {
  const jobs = Array.from({ length: 100 }, () => live({ ended: { at: 2 } }))
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let [awaited, finished] = [0, 0]
  await track(jobs, await folderStore(), {
    async untilFollowed() {
      awaited += 1
      if (awaited <= 64) await ended
    },
    async finish() {
      finished += 1
    },
  })
  await eventually(() => expect([awaited, finished]).toEqual([100, 36]))
  end()
  await eventually(() => expect(finished).toBe(100))
})

it('asks the store about jobs that are storing and about no other', async () => {
  const first = attempt()
  const scheduled = { ...first, uploader: { ...first.uploader, ready: false } }
  const storing = live({ attempt: attempt({ startedAt: 1000, finishedAt: 2000, exitCode: 0 }) })
  const others = [
    live({}),
    live({ attempt: { ...scheduled, scheduled: false } }),
    live({ attempt: scheduled }),
    live({ attempt: attempt({ startedAt: 1000 }) }),
  ]
  const store = recording(await folderStore())
  const tracker = await track([...others, storing], store)
  await eventually(() => expect(store.gets.length).toBeGreaterThan(5))
  const manifest = layout.manifest(storing.uuid, 'a')
  expect(store.gets.filter((get) => !get.startsWith(manifest))).toEqual([])
  const states = [...others, storing].map(({ uuid }) => tracker.get(uuid)?.answer.state)
  expect(states).toEqual(['queued', 'queued', 'preparing', 'running', 'storing'])

  await putStream(
    store,
    manifest,
    writeManifest({ ...headFor([]), job: storing.uuid, attempt: 'a' }, each([])),
  )
  await eventually(() => expect(tracker.get(storing.uuid)?.answer.state).toBe('succeeded'), { every: 10 })
  const asked = store.gets.length
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(store.gets).toHaveLength(asked)
})

/** How many of a kind were under way at the same time. */
class AtOnce {
  most = 0
  ended = 0
  #now = 0

  async use(): Promise<void> {
    this.#now += 1
    this.most = Math.max(this.most, this.#now)
    await new Promise((resolve) => setTimeout(resolve, 20))
    this.#now -= 1
    this.ended += 1
  }
}

async function track(
  jobs: readonly LiveJob[],
  store: ArtifactStore,
  more: Partial<TrackerOptions> = {},
): Promise<Tracker> {
  const byUuid = new Map(jobs.map((job) => [job.uuid, job]))
  const backend = Object.assign(await startBackend(await temporaryFolder()), {
    get: (uuid: string) => byUuid.get(uuid),
    list: () => jobs,
  })
  const ignore = () => undefined
  const settled = async () => undefined
  const nothing = { followLog: ignore, onForgotten: ignore, onGivenUp: ignore }
  const calls = { ...nothing, untilFollowed: settled, finish: settled }
  const tracker = new Tracker({ backend, store, log: createLog('test', 'silent'), ...calls, ...more })
  tracker.start()
  onTestFinished(() => tracker.close())
  return tracker
}

function live(seen: Partial<Observation>): LiveJob {
  const observation = { createdAt: Date.now(), suspended: false, failedAttempts: 0, ...seen }
  return {
    uuid: randomUUID(),
    request: shellRequest('exit 0'),
    requestSha256: '',
    released: false,
    observation,
  }
}
