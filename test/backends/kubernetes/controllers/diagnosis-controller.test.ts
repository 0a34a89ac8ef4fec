import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { createDiagnosisController } from '../../../../src/backends/kubernetes/controllers/diagnosis-controller.ts'
import { jobName } from '../../../../src/backends/kubernetes/names.ts'
import { answeringApi } from '../answering-api.ts'
import { at, job, pod } from '../objects.ts'
import { startReconciler } from './reconciler.ts'

it('queries the events of each of a few jobs without pods', async () => {
  const { blocked, asked, uuids, clock } = await diagnose(3)
  await clock.until(() => expect(uuids.map(blocked)).toEqual(uuids.map(() => 'QuotaExceeded')))
  expect(asked.toSorted()).toEqual(
    uuids.map((uuid) => `involvedObject.uid=uid-${uuid},type=Warning`).toSorted(),
  )
})

it('queries all events once if many jobs have no pods', async () => {
  const { blocked, asked, uuids, clock } = await diagnose(1200)
  await clock.until(() => expect(uuids.map(blocked)).toEqual(uuids.map(() => 'QuotaExceeded')))
  // One query in pages of 500.
  expect(asked).toEqual(['type=Warning', 'type=Warning 500', 'type=Warning 1000'])
})

it('queries the events again after 30 s, and drops a diagnosis of an earlier state', async () => {
  const { blocked, asked, uuids, clock, cache } = await diagnose(1)
  const [uuid = ''] = uuids
  await clock.until(() => expect(blocked(uuid)).toBe('QuotaExceeded'), { step: 0 })
  await clock.advance(29_999)
  expect(asked).toHaveLength(1)
  await clock.advance(1)
  await clock.until(() => expect(asked).toHaveLength(2), { step: 0 })

  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: jobName(uuid), uid: `uid-${uuid}` }]
  cache.putPod(pod({ metadata: { ownerReferences, creationTimestamp: new Date().toISOString() } }))
  expect(blocked(uuid)).toBeUndefined()
})

/** `count` jobs whose pods exceed a quota, beside a foreign Job with the same trouble. */
async function diagnose(count: number) {
  const uuids = Array.from({ length: count }, () => randomUUID())
  const warnings = [...uuids, 'foreign'].map((uuid) => ({
    involvedObject: { uid: `uid-${uuid}` },
    reason: 'FailedCreate',
    message: 'exceeded quota: pods',
    lastTimestamp: at(10),
    metadata: {},
  }))
  const asked: string[] = []
  const api = await answeringApi(({ searchParams }) => {
    const [selector = '', from] = ['fieldSelector', 'continue'].map((name) => searchParams.get(name))
    asked.push([selector, from].filter(Boolean).join(' '))
    const uid = /involvedObject\.uid=([^,]*)/.exec(selector ?? '')?.[1]
    const found = warnings.filter((one) => uid === undefined || one.involvedObject.uid === uid)
    const [first, limit] = [Number(from ?? 0), Number(searchParams.get('limit'))]
    const next = first + limit < found.length ? { continue: String(first + limit) } : {}
    return { metadata: next, items: found.slice(first, first + limit) }
  })
  const parts = startReconciler()
  const { cache, reconciler } = parts
  for (const uuid of uuids) cache.putJob(job({ metadata: { name: jobName(uuid), uid: `uid-${uuid}` } }))
  reconciler.add(createDiagnosisController({ api, ...parts }))
  const blocked = (uuid: string) => cache.get(uuid)?.observation.blocked?.reason
  return { ...parts, uuids, asked, blocked }
}
