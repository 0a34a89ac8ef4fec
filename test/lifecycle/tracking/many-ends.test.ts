import { expect, it } from 'vitest'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { writeManifest } from '../../../src/result-format/manifest/manifest-writer.ts'
import { putStream } from '../../../src/store/put-stream.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import type { Clock } from '../../../src/util/clock.ts'
import { headFor, recording } from '../../result-format/fixtures.ts'
import { attempt } from '../../support/api/attempt.ts'
import { each } from '../../support/each.ts'
import { folderStore } from '../../support/store/folder-store.ts'
import { manualClock } from '../../support/time/manual-clock.ts'
import { liveJob, ShownJobs, startTracker } from './setup.ts'

it('works for a bounded number of jobs at once though hundreds end together', async () => {
  const clock = manualClock()
  const { backend } = new ShownJobs(Array.from({ length: 300 }, () => liveJob({ ended: { at: 2 } })))
  const listings = new AtOnce(clock)
  const notifications = new AtOnce(clock)
  const archivings = new AtOnce(clock)
  const releases = new AtOnce(clock)
  const store = await folderStore()
  const slow: ArtifactStore = {
    ...store,
    async *list(...args) {
      await listings.use()
      yield* store.list(...args)
    },
  }
  startTracker(backend, slow, {
    clock,
    notifyEnd: () => notifications.use(),
    archive: () => archivings.use(),
    release: () => releases.use(),
  })
  await clock.until(() => expect(releases.ended).toBe(300))
  expect([listings.ended, notifications.ended, archivings.ended]).toEqual([300, 300, 300])
  expect(Math.max(listings.most, notifications.most)).toBeLessThanOrEqual(64)
  expect(archivings.most).toBeLessThanOrEqual(32)
  expect(releases.most).toBeLessThanOrEqual(48)
  expect(Math.min(listings.most, notifications.most, archivings.most)).toBeGreaterThan(10)
})

it('notifies of other ends and releases those jobs while dozens of consumers do not answer', async () => {
  const clock = manualClock()
  const { backend } = new ShownJobs(Array.from({ length: 100 }, () => liveJob({ ended: { at: 2 } })))
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  let [begun, archived, released] = [0, 0, 0]
  startTracker(backend, await folderStore(), {
    clock,
    notifyEnd: () => {
      begun += 1
      return begun <= 64 ? answered : Promise.resolve()
    },
    async archive() {
      archived += 1
    },
    async release() {
      released += 1
    },
  })
  await clock.until(() => expect([begun, archived, released]).toEqual([100, 100, 36]))
  answer()
  await clock.until(() => expect(released).toBe(100))
})

it('archives other jobs while the logs of dozens are silent', async () => {
  const clock = manualClock()
  const { backend } = new ShownJobs(Array.from({ length: 100 }, () => liveJob({ ended: { at: 2 } })))
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let [awaited, archived] = [0, 0]
  startTracker(backend, await folderStore(), {
    clock,
    async untilFollowed() {
      awaited += 1
      if (awaited <= 64) await ended
    },
    async archive() {
      archived += 1
    },
  })
  await clock.until(() => expect([awaited, archived]).toEqual([100, 36]))
  end()
  await clock.until(() => expect(archived).toBe(100))
})

it('asks the store about jobs that are storing and about no other jobs', async () => {
  const clock = manualClock()
  const first = attempt()
  const scheduled = { ...first, uploader: { ...first.uploader, ready: false } }
  const storing = liveJob({ attempt: attempt({ startedAt: 1000, finishedAt: 2000, exitCode: 0 }) })
  const others = [
    liveJob({}),
    liveJob({ attempt: { ...scheduled, scheduled: false } }),
    liveJob({ attempt: scheduled }),
    liveJob({ attempt: attempt({ startedAt: 1000 }) }),
  ]
  const store = recording(await folderStore())
  const { backend } = new ShownJobs([...others, storing])
  const tracker = startTracker(backend, store, { clock })
  await clock.until(() => expect(store.gets.length).toBeGreaterThan(5))
  const manifest = jobKeys.manifest(storing.uuid, 'a')
  expect(store.gets.filter((get) => !get.startsWith(manifest))).toEqual([])
  const states = [...others, storing].map(({ uuid }) => tracker.get(uuid)?.answer.state)
  expect(states).toEqual(['queued', 'queued', 'preparing', 'running', 'storing'])

  await putStream(
    store,
    manifest,
    writeManifest({ ...headFor([]), job: storing.uuid, attempt: 'a' }, each([])),
  )
  await clock.until(() => expect(tracker.get(storing.uuid)?.answer.state).toBe('succeeded'))
  const asked = store.gets.length
  await clock.advance(60_000)
  expect(store.gets).toHaveLength(asked)
})

/** How many of a kind were under way at the same time; each takes 20 ms. */
class AtOnce {
  most = 0
  ended = 0
  #now = 0
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async use(): Promise<void> {
    this.#now += 1
    this.most = Math.max(this.most, this.#now)
    await this.#clock.sleep(20)
    this.#now -= 1
    this.ended += 1
  }
}
