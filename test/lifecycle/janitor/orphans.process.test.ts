import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { removeOrphans } from '../../../src/lifecycle/janitor/orphans.ts'
import { shellRequest } from '../../backends/local/setup.ts'
import { keysOf, putAll } from '../../support/store/folder-store.ts'
import { recordOf, setUp } from './setup.ts'

const later = Date.now() + 3_600_000

it('removes folders without job and record, and nothing else', async () => {
  const { parts, store, records, backend, locks, told } = await setUp()
  const [orphan, large, live, making] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  const finished = recordOf()
  const owned = [`jobs/${live}/input/a`, `jobs/${making}/input/a`, `jobs/${finished.job.job_uuid}/x`]
  for (const key of [...owned, `jobs/${orphan}/input/1/a`, `jobs/${orphan}/input-1.ndjson`]) await put(key)
  await records.write(finished)
  await backend.create({ uuid: live, request: shellRequest('sleep 60'), requestSha256: 'x' })
  await locks.lock(making)

  await removeOrphans({ ...parts, rules: { ...parts.rules, dryRun: true } }, later)
  expect(told.splice(0)).toMatchObject([{ job: orphan, objects: 2 }])
  expect(await keysOf(store, `jobs/${orphan}/`)).toHaveLength(2)

  const attempt = randomUUID()
  const largeKeys = Array.from({ length: 1100 }, (_, n) => `jobs/${large}/${attempt}/files/${n}`)
  await putAll(store, largeKeys)
  await removeOrphans(parts, later)
  expect(told).toContainEqual({ kind: 'orphan', job: orphan, why: expect.any(String), objects: 2, bytes: 2 })
  const left = (await keysOf(store, 'jobs/')).filter((key) => !key.includes('/checkpoint/'))
  expect(left).toEqual([...owned, `jobs/${finished.job.job_uuid}/job.json`].sort())
  await backend.discard(live)

  async function put(key: string): Promise<void> {
    await store.put(key, Buffer.from('x'))
  }
})

it('never removes a committed result without a job', async () => {
  const { parts, store } = await setUp()
  const attempt = `jobs/${randomUUID()}/${randomUUID()}`
  const keys = [`${attempt}/files/a`, `${attempt}/manifest.ndjson`]
  for (const key of keys) await store.put(key, Buffer.from('x'))
  await removeOrphans(parts, later)
  expect(await keysOf(store)).toEqual(keys)
})

it('leaves recently written folders alone', async () => {
  const { parts, store } = await setUp()
  await store.put(`jobs/${randomUUID()}/input/a`, Buffer.from('x'))
  await removeOrphans(parts, Date.now() - 60_000)
  expect(await keysOf(store)).toHaveLength(1)
})

it('removes nothing while the backend may not know of every job', async () => {
  const { parts, store } = await setUp()
  await store.put(`jobs/${randomUUID()}/input/a`, Buffer.from('x'))
  const blind = { missing: () => ['Jobs of the cluster can not be watched'] }
  await removeOrphans({ ...parts, backend: Object.assign(Object.create(parts.backend), blind) }, later)
  expect(await keysOf(store)).toHaveLength(1)
})
