import { expect, onTestFinished, test } from 'vitest'
import type { ArtifactStore } from '../../../src/artifact/store.ts'
import { createJobEnds } from '../../../src/completion/create-job-ends.ts'
import type { Dataset } from '../../../src/completion/datasets/datasets.ts'
import { createGrants } from '../../../src/completion/grants/create-grants.ts'
import { createProvisioning } from '../../../src/completion/provision/provisioning.ts'
import { parseProvisionRequest } from '../../../src/completion/provision/request.ts'
import { Problem } from '../../../src/errors.ts'
import type { Job } from '../../../src/job/job.ts'
import { createLog } from '../../../src/log.ts'
import { type Connector, startConnector } from '../../support/connector.ts'
import { folderStore, keysOf } from '../../support/folder-store.ts'
import { leaseOf, startOutbox } from '../setup.ts'

/*
 * Processes that end between two steps, and replicas of which one answers and the other one holds the Lease: their
 * jobs are stubs, whose state is set as it is when that happens.
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

/** A replica of the API as far as it provisions; `state` is the job's. */
function replica(
  store: ArtifactStore,
  { held = true, state = 'succeeded', unanswered = pauses.unanswered } = {},
) {
  const log = createLog('test', 'silent')
  const lease = leaseOf(held)
  const ends = createJobEnds(store, log)
  const outbox = startOutbox(store, { lease })
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
      lease,
      log,
      pauses: { ...pauses, unanswered },
      edc: { callbackUrls: [] },
      onDeployed: () => undefined,
    },
    configured: { get: () => undefined },
    access: { grants, objects, readers: undefined, publicUrl: 'http://jobs.example', seconds: 60 },
    completion: { ends, outbox, outgoing: { refuses: () => undefined } },
  })
  provisioning.start()
  onTestFinished(() => provisioning.close())
  return { ...provisioning, tell: (state: Job['state']) => ends.tell({ ...job, state }) }
}

function callbacks(connector: Connector): number {
  return connector.calls.length
}

test('a process that ends before it answered, or before it noted that, leaves the callback to another one', async () => {
  const { store, connector, request } = await world()
  const began = Date.now()
  const first = replica(store, { held: false })
  await first.provision(request, () => dataset)
  await first.close()
  replica(store)
  await connector.until('/transfer/provision')
  // The connector may have been answered in the last moment: it gets its time.
  expect(Date.now() - began).toBeGreaterThanOrEqual(pauses.unanswered)
  await expect.poll(() => keysOf(store, 'provisions-due/')).toEqual([])
})

test('a job that ends before the answer is out is told of by another replica only after that', async () => {
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

test('both replicas that hear of the end send one callback, with no secret in the store', async () => {
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

test('a connector is told though the message for it was damaged in the store', async () => {
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

test('one whose record can not be read does not stand in the way of the others', async () => {
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

test('what was promised of results that exist stands, though the mapping names a job since', async () => {
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

test('what is deprovisioned before the job’s end is told to nobody', async () => {
  const { store, connector, request } = await world()
  const one = replica(store, { state: 'running' })
  const { answered } = await one.provision(request, () => dataset)
  const over = await one.deprovision({ ...request, type: 'deprovision' })
  await Promise.all([answered(), over.answered(), one.tell('succeeded')])
  expect(await keysOf(store)).toEqual([])
  expect(callbacks(connector)).toBe(0)
})

test('a failure without a management API to tell stands with the job all the same', async () => {
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
