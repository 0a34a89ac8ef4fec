import { expect, it } from 'vitest'
import type { Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { JobCache } from '../../../../src/backends/kubernetes/cache/job-cache.ts'
import { trackingFinalizer } from '../../../../src/backends/kubernetes/names.ts'
import { assess } from '../../../../src/job/state/state.ts'
import type { ManifestHead } from '../../../../src/result-format/manifest/manifest.ts'
import { at, job, pod, running, terminated, uuid } from '../objects.ts'

/*
 * Two pods of one Job at once: an API server that was killed while it made the first did not tell
 * the Job controller, which made the second and deletes one of the two.
 */

const grace = 3600
const held = { finalizers: [trackingFinalizer] }
const deleted = (seconds: number) => ({
  deletionTimestamp: at(seconds + grace),
  deletionGracePeriodSeconds: grace,
})
type More = Parameters<typeof pod>[0]
const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at(4) }] }

function one(name: string, createdAt: number, more: More = {}): Pod {
  const metadata = { name, uid: name, creationTimestamp: at(createdAt), ...held, ...more.metadata }
  return pod({ nodeName: 'node', ...more, metadata })
}
const works: More = { uploader: { ...running(2), started: true }, worker: running(3), status: ready }
const stored = (code: number, end: number, metadata: Pod['metadata'] = {}): More => ({
  metadata,
  uploader: terminated(0, 2, end + 1),
  worker: terminated(code, 3, end),
  status: { phase: code === 0 ? 'Succeeded' : 'Failed' },
})
/** Thrown away: its finalizer is gone before its end. */
const goes = (seconds: number) => ({ finalizers: [], ...deleted(seconds) })

function follow(...pods: Pod[]) {
  const cache = new JobCache()
  cache.putJob(job())
  for (const each of pods) cache.putPod(each)
  return cache
}
const shown = (cache: JobCache) => cache.get(uuid)?.observation
const attempt = (cache: JobCache) => {
  const { uid, number, interrupted } = shown(cache)?.attempt ?? {}
  return { uid, number, ...(interrupted && { interrupted: interrupted.reason }) }
}
const head = (uid: string, end: number): ManifestHead => ({
  ...{ version: 1, job: uuid, attempt: uid, scan_started_at: at(end), count: 1, bytes: 1, errors: 0 },
})

it('shows one attempt while two pods of a Job run', () => {
  const cache = follow(one('a', 1, works), one('b', 2, works))
  expect(attempt(cache)).toEqual({ uid: 'a', number: 1 })
  expect(shown(cache)).toMatchObject({ failedAttempts: 0, lingering: true })
  expect(shown(cache)).not.toHaveProperty('disruptions')
})

it.each([
  ['has no node', one('b', 1, { nodeName: undefined as never })],
  ['still pends', one('b', 1, { uploader: running(2) })],
  ['is not ready', one('b', 1, { ...works, status: { phase: 'Running' } })],
  [
    'was ready later',
    one('b', 1, {
      ...works,
      status: {
        phase: 'Running',
        conditions: [{ ...ready.conditions[0], lastTransitionTime: at(9) } as never],
      },
    }),
  ],
  ['was restarted', one('b', 1, { ...works, uploader: { ...running(3), started: true, restartCount: 1 } })],
])('shows the pod that the Job controller keeps, not the older one that %s', (_, older) => {
  expect(attempt(follow(older, one('a', 2, works)))).toEqual({ uid: 'a', number: 1 })
})

it('lets a job succeed by the kept pod, whichever of the two was deleted', () => {
  for (const [kept, gone] of [
    [1, 2],
    [2, 1],
  ] as const) {
    const cache = follow(one('kept', kept, works), one('gone', gone, works))
    cache.putPod(one('gone', gone, { ...works, metadata: goes(5) }))
    expect(attempt(cache)).toEqual({ uid: 'kept', number: 1 })
    cache.removePod(one('gone', gone, { ...stored(143, 6), metadata: goes(5) }))
    cache.putPod(one('kept', kept, stored(0, 20)))
    const condition = { type: 'Complete', status: 'True', lastTransitionTime: at(22) }
    cache.putJob(job({ status: { succeeded: 1, conditions: [condition] } }))
    const observation = shown(cache)
    expect(observation).toMatchObject({ failedAttempts: 0, attempt: { uid: 'kept', number: 1 } })
    if (observation === undefined) return
    expect(assess(observation, head('kept', 21), 0)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete' },
    })
  }
})

it('takes a deleted pod that exits 0 on SIGTERM for no success of the job', () => {
  const late = one('b', 2, stored(0, 6, goes(5)))
  expect(attempt(follow(one('a', 1, works), late))).toEqual({ uid: 'a', number: 1 })
})

it('gives a job that failed by one pod that outcome, and not the deletion of the other', () => {
  const cache = follow(one('a', 1, works), one('b', 2, works))
  cache.putPod(one('a', 1, stored(3, 6)))
  cache.putPod(one('b', 2, { ...works, metadata: { ...held, ...deleted(8) } }))
  cache.removePod(one('b', 2, { ...stored(143, 9), metadata: { finalizers: [], ...deleted(8) } }))
  const condition = {
    type: 'Failed',
    status: 'True',
    lastTransitionTime: at(8),
    reason: 'BackoffLimitExceeded',
  }
  cache.putJob(job({ status: { failed: 2, conditions: [condition] } }))
  const observation = shown(cache)
  expect(observation).toMatchObject({ failedAttempts: 1, attempt: { uid: 'a', number: 1 } })
  if (observation === undefined) return
  expect(assess(observation, head('a', 7), 0)).toMatchObject({ state: 'failed', cause: { reason: 'Error' } })
})

it('goes on with the older pod as the next attempt where the newer one fails first', () => {
  const cache = follow(one('a', 1, works), one('b', 2, stored(3, 6)))
  expect(attempt(cache)).toEqual({ uid: 'a', number: 2 })
})

it('knows a pod too many whose end no watch delivered', () => {
  const cache = follow(one('a', 1, works), one('b', 2, works))
  cache.removePod(one('b', 2, works))
  expect(attempt(cache)).toEqual({ uid: 'a', number: 1 })
})

it('counts a deleted pod as an attempt if the next one was made after its deletion', () => {
  const first = one('a', 1, stored(143, 6, { finalizers: [], ...deleted(5) }))
  expect(attempt(follow(first, one('b', 16, works)))).toEqual({ uid: 'b', number: 2 })
})

it('shows the deletion of the only pod', () => {
  const cache = follow(one('a', 1, { ...works, metadata: { ...held, ...deleted(5) } }))
  expect(attempt(cache)).toEqual({ uid: 'a', number: 1, interrupted: 'PodDeleted' })
})

it('waits with a job’s archive until a pod too many has ended', () => {
  const cache = follow(one('a', 1, stored(0, 6)), one('b', 2, { ...works, metadata: goes(5) }))
  expect(shown(cache)?.lingering).toBe(true)
  cache.removePod(one('b', 2, { ...stored(143, 9), metadata: goes(5) }))
  expect(shown(cache)?.lingering).toBeUndefined()
})
