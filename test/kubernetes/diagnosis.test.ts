import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { JobCache } from '../../src/kubernetes/cache.ts'
import { Diagnosis } from '../../src/kubernetes/diagnosis.ts'
import { jobName } from '../../src/kubernetes/names.ts'
import { createLog } from '../../src/log.ts'
import { eventually } from '../support/eventually.ts'
import { answeringApi } from './answering-api.ts'
import { at, job } from './objects.ts'

it('asks for the events of each of a few jobs that have no pod', async () => {
  const { blocked, asked, uuids } = await diagnose(3)
  await eventually(() => expect(uuids.map(blocked)).toEqual(uuids.map(() => 'QuotaExceeded')))
  expect(asked.toSorted()).toEqual(
    uuids.map((uuid) => `involvedObject.uid=uid-${uuid},type=Warning`).toSorted(),
  )
})

it('asks once for the events of all where many have no pod', async () => {
  const { blocked, asked, uuids } = await diagnose(1200)
  await eventually(() => expect(uuids.map(blocked)).toEqual(uuids.map(() => 'QuotaExceeded')))
  // In pages.
  expect(asked).toEqual(['type=Warning', 'type=Warning 500', 'type=Warning 1000'])
})

it('asks nothing before all jobs and pods were listed', async () => {
  const { diagnosis, asked } = await diagnose(5, { start: false })
  await diagnosis.close()
  expect(asked).toEqual([])
})

/** So many jobs whose pods a quota holds back, in a namespace in which others are held back too. */
async function diagnose(count: number, { start = true } = {}) {
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
  const cache = new JobCache()
  const diagnosis = new Diagnosis({ api, cache, log: createLog('test', 'silent') })
  for (const uuid of uuids) cache.putJob(job({ metadata: { name: jobName(uuid), uid: `uid-${uuid}` } }))
  if (start) diagnosis.start()
  onTestFinished(() => diagnosis.close())
  const blocked = (uuid: string) => cache.get(uuid)?.observation.blocked?.reason
  return { uuids, asked, diagnosis, blocked }
}
