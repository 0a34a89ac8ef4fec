import { expect, it } from 'vitest'
import type { Api } from '../../../../src/backends/kubernetes/api/api.ts'
import type { KubernetesJob } from '../../../../src/backends/kubernetes/api/objects.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { discardJob, releaseJob } from '../../../../src/backends/kubernetes/operations/release.ts'
import { at, job, uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'

const onClaim = {
  [annotations.request]: JSON.stringify(clusterRequest('', { result_storage_class: 'fast' })),
}
const deletion = { deletionTimestamp: at(10) }
const rescue = `remove job-${uuid}-rescue Background`

it('removes the rescue of a deleted job before its Job may vanish, for any propagation policy', async () => {
  const deleted = await callsOf(job({ annotations: onClaim, metadata: deletion }), (api) =>
    releaseJob(api, uuid, 60),
  )
  expect(deleted.slice(0, 2)).toEqual([rescue, 'merge'])
})

it('removes the rescue of a kept job after the merge that prevents another rescue', async () => {
  expect(await callsOf(job({ annotations: onClaim }), (api) => releaseJob(api, uuid, 60))).toEqual([
    'merge',
    rescue,
  ])
})

it('removes the rescue of a discarded job', async () => {
  expect((await callsOf(job({ annotations: onClaim }), (api) => discardJob(api, uuid)))[0]).toBe(rescue)
})

it('sends no request about a rescue for a job without a claim', async () => {
  expect(await callsOf(job(), (api) => releaseJob(api, uuid, 60))).toEqual(['merge'])
})

/** The write requests about Jobs, in order. */
async function callsOf(one: KubernetesJob, body: (api: Api) => Promise<unknown>): Promise<string[]> {
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
