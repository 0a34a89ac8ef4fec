import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { isFinal } from '../../../src/job/job.ts'
import type { Jobs } from '../../../src/lifecycle/jobs.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { shellRequest, startBackend } from '../../backends/local/setup.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { leadershipOf } from '../../support/leadership.ts'
import { keysOf } from '../../support/store/folder-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { startJobsOver } from '../start-jobs.ts'

it('removes a job that is deleted while its record is being written', async () => {
  const record = gate()
  const { jobs, backend, store } = await startJobs({ put: { until: record, key: /job\.json$/ } })
  const uuid = await deploy(jobs, 'echo x > $RESULT_DIRECTORY/x')
  await record.reached
  await jobs.remove(uuid)
  expect(await jobs.get(uuid)).toBeUndefined()
  record.open()
  await eventually(() => expect(backend.get(uuid)).toBeUndefined())
  expect(await keysOf(store)).toEqual([])
  expect(await jobs.list({ limit: 10 })).toEqual({ jobs: [] })
})

it('puts nothing into the store after a deleted job was removed from it', async () => {
  const stop = gate()
  const { jobs, backend, store } = await startJobs({ put: { until: stop, key: /\/stop$/ } })
  const uuid = await deploy(jobs, 'echo x > $RESULT_DIRECTORY/x; sleep 60')
  await eventually(async () => expect(await jobs.get(uuid)).toMatchObject({ state: 'running' }))
  await jobs.remove(uuid)
  await stop.reached
  await eventually(() => expect(backend.get(uuid)?.observation.attempt?.ended).toBe(true))
  stop.open()
  await eventually(() => expect(backend.get(uuid)).toBeUndefined())
  expect(await keysOf(store)).toEqual([])
})

it('lists a job once that is released while the list is read', async () => {
  const index = gate()
  const { jobs, backend } = await startJobs({ list: { until: index, key: /^index\// } })
  const uuid = await deploy(jobs, 'exit 0')
  const listing = jobs.list({ limit: 10 })
  await index.reached
  await eventually(() => expect(backend.get(uuid)?.released).toBe(true))
  index.open()
  expect((await listing).jobs.map((job) => job.job_uuid)).toEqual([uuid])
})

it('makes a new job with the key of a deleted job', async () => {
  const { jobs, backend, store } = await startJobs()
  const key = randomUUID()
  const first = await deploy(jobs, 'exit 0', key)
  const ended = await jobs.waitForFinal(first, 20_000)
  expect(ended && isFinal(ended.state)).toBe(true)
  await jobs.remove(first)
  await eventually(async () => expect(await keysOf(store)).toEqual([]))
  await eventually(() => expect(backend.get(first)).toBeUndefined())
  expect(await deploy(jobs, 'exit 3', key)).toBe(first)
  expect(await jobs.waitForFinal(first, 20_000)).toMatchObject({ state: 'failed', exit_code: 3 })
})

it('reports the end of a job that another replica released before this one had asked the store', async () => {
  const manifest = gate()
  const { jobs, backend, store } = await startJobs()
  const slow = holding(store, { get: { until: manifest, key: /manifest\.ndjson$/ } })
  const late = startJobsOver(backend, slow, leadershipOf(false))
  const told: (string | undefined)[] = []
  onTestFinished(late.watch(({ job, deleted }) => void told.push(deleted ? 'deleted' : job?.state)))
  const uuid = await deploy(jobs, 'exit 0')
  await manifest.reached
  await eventually(() => expect(backend.get(uuid)?.released).toBe(true))
  await eventually(() => expect(told.slice(-2)).toEqual(['succeeded', undefined]))
  expect(told.filter((state) => state === 'succeeded')).toHaveLength(1)
  manifest.open()
})

it('leaves the callback of a job to the replica that was faster with its key', async () => {
  const { jobs, backend, store } = await startJobs()
  const other = startJobsOver(backend, store, leadershipOf(false))
  const key = randomUUID()
  const [first, second] = await Promise.all([jobs, other].map((each) => each.beginDeployment(key)))
  await first?.deploy(shellRequest('exit 0'))
  const removed: string[] = []
  const notification = { write: async () => undefined, remove: async () => void removed.push(key) }
  await expect(second?.deploy(shellRequest('exit 3'), notification)).rejects.toMatchObject({
    code: 'idempotency-key-reused',
  })
  expect(removed).toEqual([])
})

async function startJobs(held: Holds = {}) {
  const folder = temporaryFolder()
  const folderStore = createFolderStore(join(folder, 'store'))
  await folderStore.prepare()
  const backend = await startBackend(folder)
  const jobs = startJobsOver(backend, holding(folderStore, held))
  return { jobs, backend, store: folderStore }
}

async function deploy(jobs: Jobs, script: string, key?: string): Promise<string> {
  const deployment = await jobs.beginDeployment(key)
  return (await deployment.deploy(shellRequest(script))).job_uuid
}

interface Holds {
  put?: Held
  get?: Held
  list?: Held
}

interface Held {
  key: RegExp
  until: ReturnType<typeof gate>
}

/**
 * The store, with the calls for some keys held back: a fault that real ones only have now and then.
 */
function holding(store: ArtifactStore, { put, get, list }: Holds): ArtifactStore {
  return {
    ...store,
    async get(key, options) {
      if (get?.key.test(key)) await get.until.pass()
      return await store.get(key, options)
    },
    async put(key, body, signal) {
      if (put?.key.test(key)) await put.until.pass()
      return await store.put(key, body, signal)
    },
    async *list(prefix, options) {
      if (list?.key.test(prefix)) await list.until.pass()
      yield* store.list(prefix, options)
    },
  }
}

function gate() {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    open: opened.resolve,
    async pass(): Promise<void> {
      reached.resolve()
      await opened.promise
    },
  }
}
