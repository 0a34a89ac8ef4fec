import { expect } from 'vitest'
import { waitForFinal } from '../../support/api/http.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault } from '../plan.ts'
import { type Meddling, obedient, startMeddling } from './meddling.ts'

/*
 * An operator deletes the whole namespace with jobs in it.
 */

fault(
  'the namespace is deleted with jobs in it → the namespace goes, the running job is archived as partial',
  180,
  async () => {
    const my = await startOutside()
    try {
      const jobs = await deployOneOfEach(my)
      const began = Date.now()
      await kubectl('delete', 'namespace', my.cluster.namespace, '--wait=false')
      await untilGone(my, 90_000)
      console.info(`the namespace was gone ${Date.now() - began} ms after its deletion`)
      expect(await waitForFinal(my.url, jobs.finished, 5)).toMatchObject({ state: 'succeeded' })
      await my.expectFile(jobs.finished)
      const running = await waitForFinal(my.url, jobs.running, 5)
      expect(running).toMatchObject({ state: 'failed', result: { state: 'partial' } })
      expect(['PodDeleted', 'JobDeleted']).toContain(running.reason)
      await my.expectFile(jobs.running)
      expect(await waitForFinal(my.url, jobs.queued, 5)).toMatchObject({
        state: 'failed',
        result: { state: 'missing' },
      })
      await expectAliveWithoutNamespace(my)
      for (const uuid of Object.values(jobs)) await my.remove(uuid)
      expect(await objectKeys(my.cluster.client, my.cluster.bucket, '')).toEqual([])
      // A hot loop would fill the log.
      expect(my.api.log.length).toBeLessThan(300)
    } finally {
      await my.cluster.discard()
    }
  },
)

fault(
  'the namespace is deleted while no API runs → the namespace goes once its Jobs’ finalizers are removed',
  180,
  async () => {
    const my = await startOutside()
    try {
      await deployOneOfEach(my)
      await my.api.kill()
      await kubectl('delete', 'namespace', my.cluster.namespace, '--wait=false')
      await eventually(
        async () => {
          await lookAgain(my)
          const where = ['get', 'namespace', my.cluster.namespace, '-o', 'jsonpath={.status.conditions}']
          expect(await kubectl(...where)).toContain('jobferry.dev/archive in 2 resource instances')
        },
        { within: 90_000, every: 2000 },
      )
      // As docs/operating.md says.
      const jobs = await my.within('get', 'jobs', '-l', 'app.kubernetes.io/managed-by=jobferry', '-o', 'name')
      const patch = '{"metadata":{"finalizers":null}}'
      for (const job of jobs.trim().split('\n')) await my.within('patch', '--type=merge', '-p', patch, job)
      await untilGone(my, 30_000)
    } finally {
      await my.cluster.discard()
    }
  },
)

/**
 * Not as a service account, because one of this namespace would lose its rights with the namespace.
 */
function startOutside(): Promise<Meddling> {
  return startMeddling('namespace', { asServiceAccount: false })
}

/** Deploys a finished, a running and a queued job; resolves with their uuids. */
async function deployOneOfEach(my: Meddling) {
  const finished = await my.deploy('echo whole > $RESULT_DIRECTORY/file')
  expect(await waitForFinal(my.url, finished, 60)).toMatchObject({ state: 'succeeded' })
  const running = await my.deploy(obedient)
  await my.untilRunning(running)
  const queued = await my.deploy(obedient, { node_selector: { 'no-such-label': 'x' } })
  await my.untilReason(queued, 'queued', 'Unschedulable')
  return { finished, running, queued }
}

async function untilGone(my: Meddling, within: number): Promise<void> {
  await eventually(
    async () => {
      await lookAgain(my)
      expect(await kubectl('get', 'namespace', my.cluster.namespace, '--ignore-not-found')).toBe('')
    },
    { within, every: 2000 },
  )
}

/**
 * Makes the namespace controller check again. While pods are left it checks only after half of
 * their longest grace, usually half an hour, or 5 s after a change of the namespace
 * (kubernetes/kubernetes: pkg/controller/namespace).
 */
async function lookAgain(my: Meddling): Promise<void> {
  const change = `jobferry.dev/looked-at=${Date.now()}`
  await kubectl('annotate', 'namespace', my.cluster.namespace, change, '--overwrite').catch(() => undefined)
}

/** Expects a 503 with its reason from a deploy, and 200 from the other routes. */
async function expectAliveWithoutNamespace(my: Meddling): Promise<void> {
  for (const path of ['/health/live', '/health/ready', '/job', '/metrics']) {
    expect((await fetch(my.url + path)).status, path).toBe(200)
  }
  const response = await fetch(`${my.url}/job/deploy`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/namespace|forbidden/) })
}
