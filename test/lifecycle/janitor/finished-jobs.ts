import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { commitCheckpoints, writeCheckpoint } from '../../../src/artifact/checkpoint.ts'
import { packKey } from '../../../src/artifact/keys.ts'
import { layout } from '../../../src/artifact/layout.ts'
import { writeManifest } from '../../../src/artifact/manifest-writer.ts'
import { putStream } from '../../../src/artifact/put-stream.ts'
import type { ArtifactStore } from '../../../src/artifact/store.ts'
import { dueEntries } from '../../../src/lifecycle/janitor/agenda.ts'
import { lookAtFinished } from '../../../src/lifecycle/janitor/finished-jobs.ts'
import type { JobRecord } from '../../../src/lifecycle/records.ts'
import { headFor } from '../../artifact/fixtures.ts'
import { each } from '../../support/each.ts'
import { keysOf } from '../../support/folder-store.ts'
import { endedAt, recordOf, setUp } from './setup.ts'

const [minute, day] = [60_000, 86_400_000]
const dry = { dryRun: true }

/** What the janitor does with finished jobs, over any store; `makeStore` gives an empty one for each test. */
export function describeFinishedJobs(makeStore: () => Promise<ArtifactStore>): void {
  it('removes what no manifest names and what later attempts replaced, and nothing else', async () => {
    const { parts, store, records, told } = await setUp(await makeStore())
    const record = recordOf()
    const { uuid, shown, replaced } = await finishedJob(store, record)
    await records.write(record)
    const before = await keysOf(store)

    await lookAtFinished({ ...parts, rules: { ...parts.rules, ...dry } }, endedAt + minute)
    expect(await keysOf(store)).toEqual(before)
    const dryTold = told.splice(0)

    await lookAtFinished(parts, endedAt + minute)
    expect(await keysOf(store, 'jobs/')).toEqual(
      [
        `${shown}files/a`,
        `${shown}files/~0123.1`,
        `${shown}files/~packs/0123abcd-000001.tar`,
        `${shown}log/worker.txt`,
        `${shown}manifest.ndjson`,
        layout.input(uuid, 'in'),
        layout.inputList(uuid, '0'),
        layout.record(uuid),
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
    await lookAtFinished(parts, endedAt + day)
    expect(told).toEqual([])
    expect(await dueUntil(store, Number.MAX_SAFE_INTEGER)).toEqual([])
    expect(await keysOf(store, replaced)).toEqual([])
  })

  it('leaves a result of checkpoints alone for a day: its uploader may live on a lost node', async () => {
    const { parts, store, records } = await setUp(await makeStore())
    const record = recordOf({}, { result: { state: 'partial', count: 1, bytes: 1 } })
    const attempt = layout.attempt(record.job.job_uuid, record.job.attempt?.uid ?? '')
    await putCheckpoint(store, record, record.job.attempt?.uid ?? '', [])
    await commitCheckpoints(store, record.job.job_uuid, record.job.attempt?.uid ?? '')
    await store.put(`${attempt}files/late`, Buffer.from('x'))
    await records.write(record)
    await lookAtFinished(parts, endedAt + minute)
    expect(await keysOf(store, `${attempt}files/`)).toHaveLength(2)
    await lookAtFinished(parts, endedAt + day)
    expect(await keysOf(store, attempt)).toEqual([`${attempt}files/a`, `${attempt}manifest.ndjson`])
  })

  it('removes nothing beside a manifest that is damaged', async () => {
    const { parts, store, records } = await setUp(await makeStore())
    const record = recordOf()
    const { shown } = await finishedJob(store, record)
    await store.put(`${shown}manifest.ndjson`, Buffer.from('{}\n'))
    await records.write(record)
    const files = await keysOf(store, `${shown}files/`)
    await lookAtFinished(parts, endedAt + day)
    expect(await keysOf(store, `${shown}files/`)).toEqual(files)
  })

  it('removes a result past its time but for its record, and that a week later', async () => {
    const { parts, store, records, told } = await setUp(await makeStore())
    const expiresAt = endedAt + 2 * day
    const record = recordOf({ expires_at: new Date(expiresAt).toISOString() })
    const { uuid } = await finishedJob(store, record)
    const other = recordOf()
    const kept = await finishedJob(store, other)
    await records.write(record)
    await records.write(other)
    for (const at of [endedAt + minute, endedAt + day]) await lookAtFinished(parts, at)

    const before = await keysOf(store)
    told.length = 0
    await lookAtFinished({ ...parts, rules: { ...parts.rules, ...dry } }, expiresAt)
    expect(told).toMatchObject([{ kind: 'result', job: uuid, objects: 7 }])
    expect(await keysOf(store)).toEqual(before)

    told.length = 0
    await lookAtFinished(parts, expiresAt)
    expect(await keysOf(store, layout.job(uuid))).toEqual([layout.record(uuid)])
    expect(told).toMatchObject([{ kind: 'result', job: uuid, objects: 7 }])
    expect(await keysOf(store, 'index/')).toHaveLength(2)

    told.length = 0
    await lookAtFinished(parts, expiresAt + 7 * day)
    expect(told).toMatchObject([{ kind: 'record', job: uuid }])
    const left = await keysOf(store)
    expect(left.filter((key) => key.includes(uuid))).toEqual([])
    expect(left.filter((key) => key.startsWith(kept.shown))).toHaveLength(5)
  })

  it('finishes what a crash cut short, and takes no removal for a result', async () => {
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
      await lookAtFinished({ ...parts, store: dying, records }, endedAt + minute)
      const keys = await keysOf(store, shown)
      if (keys.includes(`${shown}manifest.ndjson`)) {
        expect(keys).toEqual(expect.arrayContaining([`${shown}files/a`, `${shown}files/~0123.1`]))
      }
      if ((await dueUntil(store, endedAt + minute)).length === 0) break
    }
    expect(await keysOf(store, layout.job(uuid))).toEqual([layout.record(uuid)])
  })

  it('touches no job that is made anew with the key of one that was deleted meanwhile', async () => {
    const store = await makeStore()
    const { parts, records } = await setUp(store)
    const record = recordOf({ expires_at: new Date(endedAt + 1000).toISOString() })
    const { uuid } = await finishedJob(store, record)
    await records.write(record)
    const before = (await keysOf(store)).filter(
      (key) => key.startsWith('jobs/') && key !== layout.record(uuid),
    )
    // Deleted and made anew by another replica, between the record's reading and the listing of its attempts.
    const racing = {
      ...records,
      read: async () => {
        const read = await records.read(uuid)
        await records.remove(uuid)
        return read
      },
    }
    await lookAtFinished({ ...parts, records: racing }, endedAt + minute)
    expect(await keysOf(store, 'jobs/')).toEqual(before)
  })

  it.each([
    ['another process holds the Lease', { holdsLease: () => false }],
    ['its watches fail', { missing: () => ['Jobs can not be watched'] }],
    ['the job is still being finished', { get: () => ({ released: false }) }],
  ])('removes nothing while %s', async (_, state) => {
    const { parts, store, records, told } = await setUp(await makeStore())
    const record = recordOf({ expires_at: new Date(endedAt).toISOString() })
    await finishedJob(store, record)
    await records.write(record)
    const before = await keysOf(store)
    const backend = Object.assign(Object.create(parts.backend), state)
    await lookAtFinished({ ...parts, backend }, endedAt + day)
    expect(told).toEqual([])
    expect(await keysOf(store)).toEqual(before)
  })

  it('forgets an entry whose job is gone', async () => {
    const { parts, store } = await setUp(await makeStore())
    await store.put(`agenda/0000000001000-${randomUUID()}`, Buffer.alloc(0))
    await lookAtFinished(parts, endedAt)
    expect(await keysOf(store)).toEqual([])
  })
}

/** A finished job's folder: a result with all that may lie beside it, and a replaced attempt. */
async function finishedJob(store: ArtifactStore, record: JobRecord) {
  const { job_uuid: uuid, attempt } = record.job
  const uid = attempt?.uid ?? ''
  const [shown, old] = [layout.attempt(uuid, uid), randomUUID()]
  const replaced = layout.attempt(uuid, old)
  const packs = [packKey('0123abcd', 1), packKey('0123abcd', 2)] as const
  const files = ['a', 'a.old', '~0123', '~0123.1', ...packs].map((key) => `files/${key}`)
  for (const key of [...files, 'log/worker.txt']) await store.put(shown + key, Buffer.from(key))
  for (const key of [layout.input(uuid, 'in'), layout.inputList(uuid, '0')])
    await store.put(key, Buffer.from('x'))
  const entries = [
    { path: 'a', type: 'file', size: 7, key: 'a' },
    { path: 'b', type: 'file', size: 13, key: '~0123.1' },
    { path: 'c', type: 'file', size: 1, key: packs[0], offset: 5 },
    { path: 'd', type: 'file', size: 1, key: packs[0], offset: 7 },
  ] as const
  const head = headFor(entries, { job: uuid, attempt: uid })
  await putStream(store, `${shown}manifest.ndjson`, writeManifest(head, each(entries)))
  await putStream(store, `${replaced}manifest.ndjson`, writeManifest(head, each(entries)))
  for (const of of [uid, old])
    await putCheckpoint(store, record, of, [await begun(store, layout.attempt(uuid, of))])
  return { uuid, shown, replaced }
}

/** An upload in parts that nobody ended. */
async function begun(store: ArtifactStore, folder: string): Promise<{ key: string; id: string }> {
  const upload = await store.createUpload(`${folder}files/large`, 5 * 2 ** 20)
  await store.putPart(upload, 1, Buffer.alloc(100))
  return { key: upload.key, id: upload.id }
}

async function putCheckpoint(
  store: ArtifactStore,
  { job: { job_uuid: job } }: JobRecord,
  attempt: string,
  uploads: { key: string; id: string }[],
): Promise<void> {
  await store.put(layout.file(job, attempt, 'a'), Buffer.from('files/a'))
  const head = {
    version: 1,
    job,
    attempt,
    number: 1,
    scan_started_at: new Date(0).toISOString(),
    uploads,
  } as const
  const lines = each([{ path: 'a', type: 'file', size: 7, key: 'a' } as const])
  await putStream(store, layout.checkpoint(job, attempt, 1), writeCheckpoint(head, lines))
}

async function dueUntil(store: ArtifactStore, now: number): Promise<[number, string][]> {
  const due: [number, string][] = []
  for await (const { key, uuid } of dueEntries(store, now)) due.push([Number(key.slice(7, 20)), uuid])
  return due
}
