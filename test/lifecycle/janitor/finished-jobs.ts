import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { soleLeader } from '../../../src/job/leadership.ts'
import { inspectFinishedJobs } from '../../../src/lifecycle/janitor/finished-jobs.ts'
import { dueEntries } from '../../../src/lifecycle/records/agenda.ts'
import { commitCheckpoints } from '../../../src/result-format/checkpoint/checkpoint.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { keysOf } from '../../support/store/folder-store.ts'
import { type Circumstances, finishedJob, putCheckpoint } from './finished-job.ts'
import { endedAt, recordOf, setUp } from './setup.ts'

const [minute, day] = [60_000, 86_400_000]

const dry = { dryRun: true }

/**
 * What the janitor does with finished jobs, over any store; `makeStore` gives an empty one for each
 * test.
 */
export function describeFinishedJobs(makeStore: () => Promise<ArtifactStore>): void {
  it('removes objects that no manifest names and replaced attempts, and nothing else', async () => {
    const { parts, store, records, told } = await setUp(await makeStore())
    const record = recordOf()
    const { uuid, shown, replaced } = await finishedJob(store, record)
    await records.write(record)
    const before = await keysOf(store)

    await inspectFinishedJobs({ ...parts, rules: { ...parts.rules, ...dry } }, endedAt + minute)
    expect(await keysOf(store)).toEqual(before)
    const dryTold = told.splice(0)

    await inspectFinishedJobs(parts, endedAt + minute)
    expect(await keysOf(store, 'jobs/')).toEqual(
      [
        `${shown}files/a`,
        `${shown}files/~0123.1`,
        `${shown}files/~packs/0123abcd-000001.tar`,
        `${shown}log/worker.txt`,
        `${shown}manifest.ndjson`,
        jobKeys.input(uuid, 'in'),
        jobKeys.inputList(uuid, '0'),
        jobKeys.record(uuid),
      ].sort(),
    )
    const facts = told.map(({ kind, job, objects }) => [kind, job === uuid, objects])
    expect(facts.sort()).toEqual([
      ['attempt', true, 3],
      ['object', true, 4],
      ['upload', true, 1],
      ['upload', true, 1],
    ])
    expect(dryTold.map(({ kind, objects }) => [kind, objects]).sort()).toEqual(
      told.map(({ kind, objects }) => [kind, objects]).sort(),
    )
    expect(await dueUntil(store, Number.MAX_SAFE_INTEGER)).toEqual([[endedAt + day, uuid]])

    told.length = 0
    await inspectFinishedJobs(parts, endedAt + day)
    expect(told).toEqual([])
    expect(await dueUntil(store, Number.MAX_SAFE_INTEGER)).toEqual([])
    expect(await keysOf(store, replaced)).toEqual([])
  })

  it('removes a whole result that `outputs.when` does not keep, and neither the log nor the record', async () => {
    const { parts, store, records, told } = await setUp(await makeStore())
    const made = recordOf({}, { result: { state: 'missing', count: 0, bytes: 0 } })
    const record = { ...made, request: { ...made.request, outputs: { when: 'success' as const } } }
    const { uuid, shown, replaced } = await finishedJob(store, record)
    await records.write(record)
    await inspectFinishedJobs(parts, endedAt + minute)
    expect(await keysOf(store, shown)).toEqual([`${shown}log/worker.txt`])
    expect(await keysOf(store, replaced)).toEqual([])
    expect(await keysOf(store, jobKeys.record(uuid))).toEqual([jobKeys.record(uuid)])
    expect(told.map(({ why }) => why)).toContainEqual(expect.stringContaining('`outputs.when`'))
  })

  it('leaves a result of checkpoints alone for a day: its uploader may still run on a lost node', async () => {
    const { parts, store, records } = await setUp(await makeStore())
    const record = recordOf({}, { result: { state: 'partial', count: 1, bytes: 1 } })
    const attempt = jobKeys.attempt(record.job.job_uuid, record.job.attempt?.uid ?? '')
    await putCheckpoint(store, record, record.job.attempt?.uid ?? '', [])
    await commitCheckpoints(store, record.job.job_uuid, record.job.attempt?.uid ?? '')
    await store.put(`${attempt}files/late`, Buffer.from('x'))
    await records.write(record)
    await inspectFinishedJobs(parts, endedAt + minute)
    expect(await keysOf(store, `${attempt}files/`)).toHaveLength(2)
    await inspectFinishedJobs(parts, endedAt + day)
    expect(await keysOf(store, attempt)).toEqual([`${attempt}files/a`, `${attempt}manifest.ndjson`])
  })

  it('removes nothing beside a damaged manifest', async () => {
    const { parts, store, records } = await setUp(await makeStore())
    const record = recordOf()
    const { shown } = await finishedJob(store, record)
    await store.put(`${shown}manifest.ndjson`, Buffer.from('{}\n'))
    await records.write(record)
    const files = await keysOf(store, `${shown}files/`)
    await inspectFinishedJobs(parts, endedAt + day)
    expect(await keysOf(store, `${shown}files/`)).toEqual(files)
  })

  it('removes an expired result without its record, and the record a week later', async () => {
    const { parts, store, records, told } = await setUp(await makeStore())
    const expiresAt = endedAt + 2 * day
    const record = recordOf({ expires_at: new Date(expiresAt).toISOString() })
    const { uuid } = await finishedJob(store, record)
    const other = recordOf()
    const kept = await finishedJob(store, other)
    await records.write(record)
    await records.write(other)
    for (const at of [endedAt + minute, endedAt + day]) await inspectFinishedJobs(parts, at)

    const before = await keysOf(store)
    told.length = 0
    await inspectFinishedJobs({ ...parts, rules: { ...parts.rules, ...dry } }, expiresAt)
    expect(told).toMatchObject([{ kind: 'result', job: uuid, objects: 7 }])
    expect(await keysOf(store)).toEqual(before)

    told.length = 0
    await inspectFinishedJobs(parts, expiresAt)
    expect(await keysOf(store, jobKeys.job(uuid))).toEqual([jobKeys.record(uuid)])
    expect(told).toMatchObject([{ kind: 'result', job: uuid, objects: 7 }])
    expect(await keysOf(store, 'index/')).toHaveLength(2)

    told.length = 0
    await inspectFinishedJobs(parts, expiresAt + 7 * day)
    expect(told).toMatchObject([{ kind: 'record', job: uuid }])
    const left = await keysOf(store)
    expect(left.filter((key) => key.includes(uuid))).toEqual([])
    expect(left.filter((key) => key.startsWith(kept.shown))).toHaveLength(5)
  })

  it('completes a removal that a crash interrupted, and never shows its rest as a result', async () => {
    const store = await makeStore()
    const { parts, records } = await setUp(store)
    const record = recordOf({ expires_at: new Date(endedAt + 1000).toISOString() })
    const { uuid, shown } = await finishedJob(store, record)
    await records.write(record)
    for (let calls = 1; ; calls += 1) {
      let left = calls
      const dying = {
        ...store,
        async remove(keys: readonly string[]) {
          left -= 1
          if (left < 0) throw new Error('killed')
          await store.remove(keys)
        },
      }
      await inspectFinishedJobs({ ...parts, store: dying, records }, endedAt + minute)
      const keys = await keysOf(store, shown)
      if (keys.includes(`${shown}manifest.ndjson`)) {
        expect(keys).toEqual(expect.arrayContaining([`${shown}files/a`, `${shown}files/~0123.1`]))
      }
      if ((await dueUntil(store, endedAt + minute)).length === 0) break
    }
    expect(await keysOf(store, jobKeys.job(uuid))).toEqual([jobKeys.record(uuid)])
  })

  it('leaves a job alone that was made with the key of a job deleted meanwhile', async () => {
    const store = await makeStore()
    const { parts, records } = await setUp(store)
    const record = recordOf({ expires_at: new Date(endedAt + 1000).toISOString() })
    const { uuid } = await finishedJob(store, record)
    await records.write(record)
    const before = (await keysOf(store)).filter(
      (key) => key.startsWith('jobs/') && key !== jobKeys.record(uuid),
    )
    // Deleted and made anew by another replica, between the record's reading and the listing of its
    // attempts.
    const racing = {
      ...records,
      read: async () => {
        const read = await records.read(uuid)
        await records.remove(uuid)
        return read
      },
    }
    await inspectFinishedJobs({ ...parts, records: racing }, endedAt + minute)
    expect(await keysOf(store, 'jobs/')).toEqual(before)
  })

  it.each([
    ['another process leads', { leadership: { isLeader: () => false } }],
    ['its watches fail', { backend: { missing: () => ['Jobs can not be watched'] } }],
    ['the job is not archived yet', { backend: { get: () => ({ released: false }) } }],
  ])('removes nothing while %s', async (_, { leadership = soleLeader, backend }: Circumstances) => {
    const { parts, store, records, told } = await setUp(await makeStore())
    const record = recordOf({ expires_at: new Date(endedAt).toISOString() })
    await finishedJob(store, record)
    await records.write(record)
    const before = await keysOf(store)
    const other = Object.assign(Object.create(parts.backend), backend)
    await inspectFinishedJobs({ ...parts, leadership, backend: other }, endedAt + day)
    expect(told).toEqual([])
    expect(await keysOf(store)).toEqual(before)
  })

  it('removes an agenda entry whose job is gone', async () => {
    const { parts, store } = await setUp(await makeStore())
    await store.put(`agenda/0000000001000-${randomUUID()}`, Buffer.alloc(0))
    await inspectFinishedJobs(parts, endedAt)
    expect(await keysOf(store)).toEqual([])
  })
}

async function dueUntil(store: ArtifactStore, now: number): Promise<[number, string][]> {
  const due: [number, string][] = []
  for await (const { key, uuid } of dueEntries(store, now)) due.push([Number(key.slice(7, 20)), uuid])
  return due
}
