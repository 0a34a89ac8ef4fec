import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Api } from '../../../../src/backends/kubernetes/api/api.ts'
import { isArchived, stopOf } from '../../../../src/backends/kubernetes/job-metadata.ts'
import { annotations, finalizer, jobLabels, jobName } from '../../../../src/backends/kubernetes/names.ts'
import { discardJob, releaseJob } from '../../../../src/backends/kubernetes/operations/release.ts'
import { stopJob } from '../../../../src/backends/kubernetes/operations/stop.ts'
import { job, uuid } from '../objects.ts'
import { type ClusterUnderTest, clusterUnderTest } from '../setup.ts'

let cluster: ClusterUnderTest
beforeAll(async () => {
  cluster = await clusterUnderTest()
})
afterAll(() => cluster?.close())

it('keeps the decision to delete a job that is written while its deleted Job is released', async () => {
  const { api } = cluster
  const request = job().metadata?.annotations?.[annotations.request] ?? ''
  const lost: number[] = []
  for (let round = 0; round < 60; round += 1) {
    await api.jobs.create({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name: jobName(uuid),
        labels: jobLabels(uuid),
        annotations: { [annotations.request]: request },
        finalizers: [finalizer],
      },
      spec: {
        suspend: true,
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'worker', image: 'none' }] } },
      },
    })
    await api.jobs.remove(jobName(uuid), { propagationPolicy: 'Background' })
    const cause = { reason: 'Canceled', message: 'deleted by request' } as const
    const meeting = meetingWrites(api)
    const [stopped] = await Promise.all([
      stopJob(meeting, uuid, { outcome: 'deleted', cause, at: Date.now() }),
      releaseJob(meeting, uuid, 0),
    ])
    const isPromised = stopped !== undefined && !isArchived(stopped)
    const left = await api.jobs.get(jobName(uuid))
    if (isPromised && (left === undefined || stopOf(left)?.outcome !== 'deleted')) lost.push(round)
    await discardJob(api, uuid)
  }
  expect(lost).toEqual([])
})

/** The first two writes into Jobs begin within 4 ms of each other, after both reads. */
function meetingWrites(api: Api): Api {
  const second = Promise.withResolvers<void>()
  let writes = 0
  const merge: Api['jobs']['merge'] = async (...parameters) => {
    writes += 1
    if (writes === 2) second.resolve()
    await second.promise
    await sleep(Math.random() * 4)
    return await api.jobs.merge(...parameters)
  }
  return { ...api, jobs: { ...api.jobs, merge } }
}
