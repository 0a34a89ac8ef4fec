import { expect, it } from 'vitest'
import type { Api } from '../../src/kubernetes/api.ts'
import { annotations } from '../../src/kubernetes/names.ts'
import type { Job } from '../../src/kubernetes/objects.ts'
import { discardJob, releaseJob } from '../../src/kubernetes/release.ts'
import { at, job, uuid } from './objects.ts'
import { clusterRequest } from './request.ts'

const onClaim = {
  [annotations.request]: JSON.stringify(clusterRequest('', { result_storage_class: 'fast' })),
}
const deletion = { deletionTimestamp: at(10) }
const rescue = `remove job-${uuid}-rescue Background`

it('removes a rescue before the Job of a deleted job may vanish, by whatever propagation', async () => {
  const deleted = await callsOf(job({ marks: onClaim, metadata: deletion }), (api) =>
    releaseJob(api, uuid, 60),
  )
  expect(deleted.slice(0, 2)).toEqual([rescue, 'merge'])
})

it('removes a rescue of a job that stays only once another one can not follow', async () => {
  expect(await callsOf(job({ marks: onClaim }), (api) => releaseJob(api, uuid, 60))).toEqual([
    'merge',
    rescue,
  ])
})

it('removes a rescue with a job that is discarded', async () => {
  expect((await callsOf(job({ marks: onClaim }), (api) => discardJob(api, uuid)))[0]).toBe(rescue)
})

it('looks for no rescue of a job without a claim', async () => {
  expect(await callsOf(job(), (api) => releaseJob(api, uuid, 60))).toEqual(['merge'])
})

/** What is done to Jobs, in order. */
async function callsOf(one: Job, body: (api: Api) => Promise<unknown>): Promise<string[]> {
  const calls: string[] = []
  const jobs = {
    get: async () => one,
    merge: async () => {
      calls.push('merge')
      return one
    },
    remove: async (name: string, { propagationPolicy = '' } = {}) => {
      calls.push(`remove ${name} ${propagationPolicy}`)
      return true
    },
  }
  const others = { list: async () => ({ metadata: {}, items: [] }), remove: async () => true }
  await body({ jobs, pods: others, secrets: others, configMaps: others } as unknown as Api)
  return calls
}
