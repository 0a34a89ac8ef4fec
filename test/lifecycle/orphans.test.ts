import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { KeyLock } from '../../src/lifecycle/key-lock.ts'
import { removeOrphans } from '../../src/lifecycle/orphans.ts'
import type { JobRecord } from '../../src/lifecycle/records.ts'
import { createRecords } from '../../src/lifecycle/records.ts'
import { createLog } from '../../src/log.ts'
import { shellRequest, startBackend, temporaryFolder } from '../local/setup.ts'
import { folderStore, keysOf } from '../support/folder-store.ts'

const later = Date.now() + 3_600_000

it('removes what neither a job nor a record owns, and nothing else', async () => {
  const { parts, store, records, backend, locks } = await setUp()
  const [orphan, large, live, making] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  const finished = recordOf(randomUUID())
  for (let i = 0; i < 1100; i++) await put(`jobs/${large}/${randomUUID()}/files/${i}`)
  const owned = [`jobs/${live}/input/a`, `jobs/${making}/input/a`, `jobs/${finished.job.job_uuid}/x`]
  for (const key of [...owned, `jobs/${orphan}/input/a`, `jobs/${orphan}/input.ndjson`]) await put(key)
  await records.write(finished)
  await backend.create({ uuid: live, request: shellRequest('sleep 60'), requestSha256: 'x' })
  await locks.lock(making)

  await removeOrphans(parts, later)
  const left = (await keysOf(store, 'jobs/')).filter((key) => !key.includes('/checkpoint/'))
  expect(left).toEqual([...owned, `jobs/${finished.job.job_uuid}/job.json`].sort())
  await backend.discard(live)

  async function put(key: string): Promise<void> {
    await store.put(key, Buffer.from('x'))
  }
})

it('never removes a committed result, whoever lost its job', async () => {
  const { parts, store } = await setUp()
  const attempt = `jobs/${randomUUID()}/${randomUUID()}`
  const keys = [`${attempt}/files/a`, `${attempt}/manifest.ndjson`]
  for (const key of keys) await store.put(key, Buffer.from('x'))
  await removeOrphans(parts, later)
  expect(await keysOf(store)).toEqual(keys)
})

it('leaves alone what was written lately', async () => {
  const { parts, store } = await setUp()
  await store.put(`jobs/${randomUUID()}/input/a`, Buffer.from('x'))
  await removeOrphans(parts, Date.now() - 60_000)
  expect(await keysOf(store)).toHaveLength(1)
})

it('removes nothing while the backend may not know of every job', async () => {
  const { parts, store } = await setUp()
  await store.put(`jobs/${randomUUID()}/input/a`, Buffer.from('x'))
  const blind = { missing: () => ['Jobs of the cluster can not be watched'], holdsLease: () => true }
  await removeOrphans({ ...parts, backend: Object.assign(Object.create(parts.backend), blind) }, later)
  expect(await keysOf(store)).toHaveLength(1)
})

async function setUp() {
  const store = await folderStore()
  const backend = await startBackend(await temporaryFolder())
  const records = createRecords(store)
  const locks = new KeyLock()
  const log = createLog('test', 'silent')
  return {
    store,
    backend,
    records,
    locks,
    parts: { backend, store, records, locks, log, openUploads: async () => [] },
  }
}

function recordOf(uuid: string): JobRecord {
  return {
    version: 1,
    job: {
      job_uuid: uuid,
      job: null,
      state: 'succeeded',
      reason: null,
      message: null,
      exit_code: 0,
      attempt: null,
      created_at: new Date(0).toISOString(),
      started_at: null,
      finished_at: null,
      result: { state: 'complete', count: 0, bytes: 0 },
    },
    request: shellRequest('exit 0'),
    request_sha256: 'x',
    logs: {},
  }
}
