import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createWordController } from '../../../../src/backends/kubernetes/controllers/word-controller.ts'
import { annotations, jobName } from '../../../../src/backends/kubernetes/names.ts'
import { answeringApi } from '../answering-api.ts'
import { job, pod } from '../objects.ts'
import { startReconciler } from './reconciler.ts'

describe('what a running worker says', () => {
  it('is read from the log of its uploader, never from its own, and shown', async () => {
    const { asked, heard, clock, uuids, word } = await workers(1)
    word.percent = 40
    await clock.until(() => expect(heard(uuids[0])).toMatchObject({ word: { percent: 40 } }))
    expect(new Set(asked.map(({ searchParams }) => searchParams.get('container')))).toEqual(
      new Set(['uploader']),
    )
  })

  it('is read every 5 s', async () => {
    const { asked, heard, clock, uuids, word } = await workers(1)
    word.percent = 40
    await clock.until(() => expect(heard(uuids[0])).toMatchObject({ word: { percent: 40 } }))
    const before = asked.length
    word.percent = 41
    await clock.advance(4800)
    expect(asked).toHaveLength(before)
    await clock.until(() => expect(heard(uuids[0])).toMatchObject({ word: { percent: 41 } }), { step: 200 })
    expect(asked).toHaveLength(before + 1)
  })

  it('stays what it is after its end, and is not read any more once the job is stopped', async () => {
    const { asked, heard, clock, uuids, word, cache, jobOf } = await workers(1)
    word.percent = 40
    await clock.until(() => expect(heard(uuids[0])).toMatchObject({ word: { percent: 40 } }))
    const stop = { outcome: 'canceled', cause: { reason: 'Canceled', message: '' }, at: clock.now() }
    cache.putJob(jobOf(uuids[0], { [annotations.stop]: JSON.stringify(stop) }))
    const before = asked.length
    await clock.advance(60_000)
    expect(asked).toHaveLength(before)
    expect(heard(uuids[0])).toMatchObject({ word: { percent: 40 } })
  })

  it('is no other pod’s', async () => {
    const { heard, clock, uuids, word, cache, podOf } = await workers(1)
    word.percent = 40
    await clock.until(() => expect(heard(uuids[0])).toBeDefined())
    cache.removePod(podOf(uuids[0], 0))
    cache.putPod(podOf(uuids[0], 0, `another-${uuids[0]}`))
    expect(heard(uuids[0])).toBeUndefined()
  })
})

it('workers that say nothing are asked more and more rarely, down to once a minute', async () => {
  const { asked, clock } = await workers(1)
  await clock.until(() => expect(asked).toHaveLength(1))
  for (let waited = 0; waited < 3_600_000; waited += 30_000) await readsOf(clock, 30_000)
  expect(asked.length).toBeGreaterThan(60)
  expect(asked.length).toBeLessThan(110)
})

it('workers with a heartbeat are asked every 5 s, whether they have said something or not', async () => {
  const { asked, clock } = await workers(1, { heartbeat_seconds: 60 })
  await clock.until(() => expect(asked).toHaveLength(1))
  for (let waited = 0; waited < 120_000; waited += 1000) await readsOf(clock, 1000)
  expect(asked.length).toBeGreaterThan(20)
})

it('of many workers at most 20 are asked in a second', async () => {
  const { asked, clock } = await workers(200)
  await clock.until(() => expect(asked.length).toBeGreaterThan(0), { step: 10 })
  const [before, since] = [asked.length, clock.now()]
  await clock.until(() => expect(asked.length).toBeGreaterThan(150), { step: 10, within: 60_000 })
  expect((asked.length - before) / (clock.now() - since)).toBeLessThanOrEqual(21 / 1000)
})

/** Advances the clock, and lets reads that began end. */
async function readsOf(clock: ReturnType<typeof startReconciler>['clock'], milliseconds: number) {
  await clock.advance(milliseconds)
  await new Promise((resolve) => setTimeout(resolve, 2))
}

/** `count` jobs whose workers have just started. Their uploaders say `word`, if it is not empty. */
async function workers(count: number, fields: object = {}) {
  const uuids = Array.from({ length: count }, () => randomUUID())
  const word: { percent?: number } = {}
  const asked: URL[] = []
  const api = await answeringApi((url) => {
    asked.push(url)
    return Object.keys(word).length === 0 ? {} : { time: new Date().toISOString(), word }
  })
  const parts = startReconciler()
  const { cache, reconciler, clock } = parts
  const request = JSON.stringify({ image: 'i', ...fields })
  const jobOf = (uuid = '', more: Record<string, string> = {}) =>
    job({
      metadata: { name: jobName(uuid), uid: `uid-${uuid}`, resourceVersion: more ? '11' : '10' },
      annotations: { [annotations.request]: request, ...more },
    })
  const startedAt = new Date(clock.now()).toISOString()
  const running = { state: { running: { startedAt } } }
  const podOf = (uuid = '', age = 0, uid = `pod-${uuid}`) =>
    pod({
      metadata: {
        ...{ name: uid, uid, creationTimestamp: new Date(clock.now() - age).toISOString() },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: jobName(uuid), uid: `uid-${uuid}` }],
      },
      uploader: { started: true, ...running },
      worker: running,
      status: { phase: 'Running' },
    })
  for (const uuid of uuids) {
    cache.putJob(jobOf(uuid))
    cache.putPod(podOf(uuid))
  }
  reconciler.add(createWordController({ api, ...parts }))
  const heard = (uuid = '') => cache.get(uuid)?.observation.heard
  return { ...parts, uuids, asked, word, heard, jobOf, podOf }
}
