import { expect, it } from 'vitest'
import type { List } from '../../../../src/backends/kubernetes/api/api.ts'
import type { Service } from '../../../../src/backends/kubernetes/api/objects.ts'
import { createPodSelectors } from '../../../../src/backends/kubernetes/operations/pod-selectors.ts'
import { createLog } from '../../../../src/util/log.ts'
import { manualClock } from '../../../support/time/manual-clock.ts'
import { answeringApi } from '../answering-api.ts'

const log = createLog('test', 'silent')
const service = (name: string, selector: Record<string, string> = {}) => ({
  metadata: { name },
  spec: { selector },
})

it('are those of all pages of Services that have one, and of the API', async () => {
  const api = await answeringApi((url): List<Service> => {
    const isFirst = url.searchParams.get('continue') === null
    return isFirst
      ? { metadata: { continue: 'more' }, items: [service('web', { app: 'web' }), service('external')] }
      : { metadata: {}, items: [service('minio', { app: 'minio' })] }
  })
  const { complete, list } = await createPodSelectors(api, ['http://minio:9000'], log)()
  expect(complete).toBe(true)
  expect(list.map(({ name }) => name)).toEqual([
    'the API of Jobferry',
    'the Service web',
    'the Service minio',
  ])
  expect(list[2]?.labels).toEqual({ app: 'minio' })
})

it('are asked for again after 10 s', async () => {
  let calls = 0
  const api = await answeringApi(() => {
    calls += 1
    return { metadata: {}, items: [] }
  })
  const clock = manualClock()
  const selectors = createPodSelectors(api, ['http://minio:9000'], log, clock)
  await Promise.all([selectors(), selectors()])
  await clock.advance(10_000)
  await selectors()
  expect(calls).toBe(1)
  await clock.advance(1)
  await selectors()
  expect(calls).toBe(2)
})
