import { afterAll, beforeAll, expect } from 'vitest'
import { waitForFinal } from '../../support/api/http.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault } from '../plan.ts'
import { deaf, type Meddling, obedient, startMeddling } from './meddling.ts'

/*
 * An operator deletes a job's Job with kubectl. The API gives a
 * reason, goes on, and blocks no deletion.
 */

let my: Meddling

beforeAll(async () => {
  my = await startMeddling('kubectl-delete')
})

afterAll(() => my.close())

const storing =
  'echo whole > $RESULT_DIRECTORY/file; dd if=/dev/zero of=$RESULT_DIRECTORY/big bs=1M count=400'

const jobDeleted = { state: 'failed', reason: 'JobDeleted' } as const

for (const cascade of ['background', 'foreground', 'orphan'] as const) {
  fault(`the Job of a running worker is deleted (${cascade}) → JobDeleted, its files kept`, 90, async () => {
    const uuid = await my.deploy(obedient)
    await my.untilRunning(uuid)
    await my.deleteJob(uuid, cascade)
    expect(await waitForFinal(my.url, uuid, 60)).toMatchObject({
      ...jobDeleted,
      result: { state: 'partial' },
    })
    await my.expectFile(uuid)
    await my.expectNoObjects(uuid)
    await my.remove(uuid)
  })

  fault(
    `the Job of a worker that ignores SIGTERM is deleted (${cascade}) → JobDeleted within its grace and a minute`,
    150,
    async () => {
      const uuid = await my.deploy(deaf, { stop_grace_seconds: 3 })
      await my.untilRunning(uuid)
      const began = Date.now()
      await my.deleteJob(uuid, cascade)
      expect(await waitForFinal(my.url, uuid, 70)).toMatchObject({
        ...jobDeleted,
        result: { state: 'partial' },
      })
      console.info(`final ${Date.now() - began} ms after the deletion`)
      await my.expectFile(uuid)
      if (cascade === 'foreground') await my.forceDeletePods(uuid)
      await my.expectNoObjects(uuid)
      await my.remove(uuid)
    },
  )

  fault(`the Job of a queued job is deleted (${cascade}) → JobDeleted without results`, 60, async () => {
    const uuid = await my.deploy(deaf, { node_selector: { 'no-such-label': 'x' } })
    await my.untilReason(uuid, 'queued', 'Unschedulable')
    await my.deleteJob(uuid, cascade)
    expect(await waitForFinal(my.url, uuid, 60)).toMatchObject({
      ...jobDeleted,
      result: { state: 'missing' },
    })
    await my.expectNoObjects(uuid)
    await my.remove(uuid)
  })

  fault(
    `the Job of a storing job is deleted (${cascade}) → its files kept, complete or failed as JobDeleted`,
    90,
    async () => {
      const uuid = await my.deploy(storing)
      await eventually(async () => expect(['storing', 'succeeded']).toContain((await my.jobOf(uuid)).state), {
        within: 60_000,
        every: 20,
      })
      await my.deleteJob(uuid, cascade)
      const job = await waitForFinal(my.url, uuid, 70)
      const partial = { state: 'failed', reason: 'JobDeleted', result: { state: 'partial' } }
      expect(job).toMatchObject(
        job.state === 'succeeded' ? { result: { state: 'complete', count: 2 } } : partial,
      )
      if (job.state === 'succeeded') await my.expectFile(uuid)
      await my.expectNoObjects(uuid)
      await my.remove(uuid)
    },
  )

  fault(`the Job of a finished job is deleted (${cascade}) → its results stay`, 60, async () => {
    const uuid = await my.deploy('echo whole > $RESULT_DIRECTORY/file')
    const before = await waitForFinal(my.url, uuid, 60)
    expect(before).toMatchObject({ state: 'succeeded' })
    await my.deleteJob(uuid, cascade)
    await my.expectNoObjects(uuid)
    expect(await my.jobOf(uuid)).toEqual(before)
    await my.expectFile(uuid)
    await my.remove(uuid)
  })
}
