import { expect, onTestFinished, test } from 'vitest'
import type { Dataset } from '../../../src/dataspaces/datasets/datasets.ts'
import { createGrants } from '../../../src/dataspaces/grants/create-grants.ts'
import { parseProvisionRequest } from '../../../src/dataspaces/provisioning/provision-request.ts'
import { createProvisioning } from '../../../src/dataspaces/provisioning/provisioning.ts'
import type { Job } from '../../../src/job/job.ts'
import { createJobEnds } from '../../../src/notifications/create-job-ends.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { Problem } from '../../../src/util/errors.ts'
import { createLog } from '../../../src/util/log.ts'
import { startOutbox } from '../../notifications/setup.ts'
import { type Connector, startConnector } from '../../support/connector/connector.ts'
import { leadershipOf } from '../../support/leadership.ts'
import { folderStore, keysOf } from '../../support/store/folder-store.ts'

/*
 * Processes that end between two steps, and a leading replica beside an answering one. Their jobs
 * are stubs with a fixed state.
 */

const uuid = '0b0e1c5a-3f6c-4a5e-9a55-0d6a7c2f1e11'
const dataset: Dataset = {
  ...{ id: 'asset', source: { kind: 'results', uuid }, format: 'tar', givenAs: 'http', remove: 'nothing' },
} as const
const pauses = { afterAnswer: 50, unanswered: 1000, sweep: 50 }

async function world() {
  const connector = await startConnector()
  onTestFinished(() => connector.close())
  const request = parseProvisionRequest({
    ...{ transferProcessId: 'transfer', resourceDefinitionId: 'resource', assetId: 'asset' },
    callbackAddress: connector.callbackAddress,
  })
  return { store: await folderStore(), connector, request }
}

/** The provisioning of one replica, started; `held`: it is the leader; `state` is the job's. */
function replica(
  store: ArtifactStore,
  { held = true, state = 'succeeded', unanswered = pauses.unanswered } = {},
) {
  const log = createLog('test', 'silent')
  const leadership = leadershipOf(held)
  const ends = createJobEnds(store, log)
  const outbox = startOutbox(store, { leadership })
  const job = { job_uuid: uuid, state, reason: null, message: null, result: {} } as Job
  const never = () => Promise.reject(new Error('not for results that exist'))
  const jobs = { get: () => Promise.resolve(job), beginDeployment: never, cancel: never, remove: never }
  const objects = {
    check: () => Promise.resolve(),
    keyOf: () => Promise.resolve(''),
    remove: () => Promise.resolve(),
  }
  const grants = createGrants(store, { seconds: 60 })
  const provisioning = createProvisioning({
    ...{
      store,
      jobs,
      admission: { admit: never },
      leadership,
      log,
      pauses: { ...pauses, unanswered },
      edc: { callbackUrls: [] },
    },
    configured: { get: () => undefined },
    access: { grants, objects, readers: undefined, publicUrl: 'http://jobs.example', seconds: 60 },
    notifications: { ends, outbox, outgoing: { refuses: () => undefined } },
  })
  provisioning.start()
  onTestFinished(() => provisioning.close())
  return { ...provisioning, tell: (state: Job['state']) => ends.tell({ ...job, state }) }
}

function callbacks(connector: Connector): number {
  return connector.calls.length
}

test('the callback of a process that ended before it recorded its answer is sent by another process', async () => {
  const { store, connector, request } = await world()
  const began = Date.now()
  const first = replica(store, { held: false })
  await first.provision(request, () => dataset)
  await first.close()
  replica(store)
  await connector.until('/transfer/provision')
  // The process may have answered just before its end, so the callback waits `unanswered` ms.
  expect(Date.now() - began).toBeGreaterThanOrEqual(pauses.unanswered)
  await expect.poll(() => keysOf(store, 'provisions-due/')).toEqual([])
})

test('another replica sends the callback of a job that ended early only after the answer', async () => {
  const { store, connector, request } = await world()
  const patience = { unanswered: 60_000 }
  const answering = replica(store, { held: false, state: 'running', ...patience })
  const holder = replica(store, patience)
  const { answered } = await answering.provision(request, () => dataset)
  const told = holder.tell('succeeded')
  await expect.poll(() => keysOf(store, 'provisions/')).toHaveLength(1)
  expect(callbacks(connector)).toBe(0)
  expect(await keysOf(store, 'outbox/')).toEqual([])
  await answered()
  await told
  await connector.until('/transfer/provision')
})

test('two replicas notified of the end send one callback, and store no secret', async () => {
  const { store, connector, request } = await world()
  const [one, other] = [replica(store), replica(store, { held: false })]
  const { answered } = await other.provision(request, () => dataset)
  await answered()
  await Promise.all([one.tell('succeeded'), other.tell('succeeded')])
  const [called] = await connector.until('/transfer/provision')
  await expect.poll(() => keysOf(store, 'outbox/')).toEqual([])
  await one.tell('succeeded')
  expect(await keysOf(store, 'outbox/')).toEqual([])
  expect(callbacks(connector)).toBe(1)
  const token = /jfg_[\w-]+\.([\w-]+)/.exec(JSON.stringify(called?.body))?.[1] ?? 'none'
  for (const key of await keysOf(store)) {
    const { stream } = await store.get(key)
    expect(Buffer.concat(await stream.toArray()).toString(), key).not.toContain(token)
  }
})

test('a connector gets its callback even if its message was damaged in the store', async () => {
  const { store, connector, request } = await world()
  const first = replica(store, { held: false })
  const { answered } = await first.provision(request, () => dataset)
  await answered()
  await first.close()
  const [key = ''] = await keysOf(store, 'outbox/')
  expect(key).toMatch(/^outbox\/provision-/)
  await store.put(key, Buffer.from('{"version": 1, "mess'))
  replica(store)
  await connector.until('/transfer/provision')
  await expect.poll(() => keysOf(store, 'outbox/')).toEqual([])
  expect(await keysOf(store, 'damaged/')).toEqual([])
})

test('an unreadable provision record does not block other provisions', async () => {
  const { store, connector, request } = await world()
  const damaged = '0'.repeat(32)
  await store.put(`provisions/${damaged}.json`, Buffer.from('{'))
  await store.put(`provisions-due/${'0'.repeat(13)}-${damaged}`, Buffer.alloc(0))
  const first = replica(store, { held: false })
  await first.provision(request, () => dataset)
  await first.close()
  replica(store)
  await connector.until('/transfer/provision')
})

test('a provision of existing results is repeated unchanged, even if the mapping names a job now', async () => {
  const { store, request } = await world()
  const { provision } = replica(store, { held: false })
  await provision(request, () => dataset)
  const changed = { ...dataset, source: { kind: 'job', job: 'other', env: {} } } as const
  expect(await provision(request, () => changed)).toMatchObject({ uuid })
  const gone = (): never => {
    throw new Problem('not-found', 'No dataset is configured for it')
  }
  expect(await provision(request, gone)).toMatchObject({ uuid })
  await expect(provision({ ...request, transfer: 'another' }, gone)).rejects.toThrow('No dataset')
})

test('a deprovision before the job’s end sends no callback and leaves no object', async () => {
  const { store, connector, request } = await world()
  const one = replica(store, { state: 'running' })
  const { answered } = await one.provision(request, () => dataset)
  const over = await one.deprovision({ ...request, type: 'deprovision' })
  await Promise.all([answered(), over.answered(), one.tell('succeeded')])
  expect(await keysOf(store)).toEqual([])
  expect(callbacks(connector)).toBe(0)
})

test("a failure without EDC_MANAGEMENT_URL is recorded in the job's history", async () => {
  const { store, connector, request } = await world()
  const one = replica(store, { state: 'failed' })
  const { answered } = await one.provision(request, () => dataset)
  await answered()
  await expect.poll(() => keysOf(store, `jobs/${uuid}/callbacks/`)).toHaveLength(1)
  const [key = ''] = await keysOf(store, `jobs/${uuid}/callbacks/`)
  const { stream } = await store.get(key)
  const stored = Buffer.concat(await stream.toArray()).toString()
  expect(stored).toContain('EDC_MANAGEMENT_URL is not set')
  expect(stored).toContain(`job ${uuid} failed`)
  expect(callbacks(connector)).toBe(0)
})
