import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openUploads } from '../../src/artifact/checkpoint.ts'
import { createFolderStore } from '../../src/artifact/folder.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import { isFinal } from '../../src/job/job.ts'
import { createJobs } from '../../src/lifecycle/create-jobs.ts'
import { createLog } from '../../src/log.ts'
import { shellRequest, startBackend, temporaryFolder } from '../local/setup.ts'
import { eventually } from '../support/eventually.ts'
import { keysOf } from '../support/folder-store.ts'

it('removes a job whose record is being written when its deletion comes', async () => {
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

it('puts nothing into the store after the rest of a deleted job was removed from it', async () => {
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

it('lists a job once that is let go while the list is read', async () => {
  const index = gate()
  const { jobs, backend } = await startJobs({ list: { until: index, key: /^index\// } })
  const uuid = await deploy(jobs, 'exit 0')
  const listing = jobs.list({ limit: 10 })
  await index.reached
  await eventually(() => expect(backend.get(uuid)?.released).toBe(true))
  index.open()
  expect((await listing).jobs.map((job) => job.job_uuid)).toEqual([uuid])
})

it('makes a new job of the key of one that was deleted, whatever became of that', async () => {
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

async function startJobs(held: { put?: Held; list?: Held } = {}) {
  const folder = await temporaryFolder()
  const folderStore = createFolderStore(join(folder, 'store'))
  await folderStore.prepare()
  const store = holding(folderStore, held)
  const backend = await startBackend(folder)
  const { jobs, start, close } = createJobs({
    backend,
    store,
    log: createLog('test', 'silent'),
    openUploads: (uuid, attempt) => openUploads(store, uuid, attempt),
    namespace: 'local',
    inputMaxBytes: 1024,
  })
  onTestFinished(close)
  start()
  return { jobs, backend, store: folderStore }
}

async function deploy(
  jobs: Awaited<ReturnType<typeof startJobs>>['jobs'],
  script: string,
  key?: string,
): Promise<string> {
  const deployment = await jobs.beginDeployment(key)
  return (await deployment.deploy(shellRequest(script))).job_uuid
}

interface Held {
  key: RegExp
  until: ReturnType<typeof gate>
}

/** The store, with the calls for some keys held back: a fault that real ones only have now and then. */
function holding(store: ArtifactStore, { put, list }: { put?: Held; list?: Held }): ArtifactStore {
  return {
    ...store,
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
