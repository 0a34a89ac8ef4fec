import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { commitCheckpoints } from '../../../src/result-format/checkpoint/checkpoint.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { eventually } from '../../support/time/eventually.ts'
import { expectSurvivesKills, newS3Attempt, type S3Attempt } from '../s3-attempt.ts'
import { isCheckpoint, keysOf, manifestOf } from '../stored.ts'
import { expectAllStored, sorted, storedTree, treeOf } from '../tree.ts'
import { attempt, getFrom, job, listening, Uploader, writeMany } from '../uploader-process.ts'

const MiB = 1024 * 1024
const packed = { RESULT_LAYOUT: 'packed' }

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

/** An uploader that has stored some of its packs, and would need long for the rest. */
async function storing(
  environment: Record<string, string> = {},
): Promise<{ made: S3Attempt; uploader: Uploader }> {
  const made = await newS3Attempt(minio, { ...packed, ...environment })
  writeMany(made, 1000, 30_000)
  await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: 2 * MiB })
  const uploader = await new Uploader(made).ready()
  uploader.terminate()
  await eventually(async () => expect(await packsOf(made)).not.toHaveLength(0))
  return { made, uploader }
}

async function packsOf({ store }: S3Attempt): Promise<string[]> {
  return keysOf(store, jobKeys.file(job, attempt, '~packs/'))
}

/** The packs that the manifest names. */
async function named({ store }: S3Attempt): Promise<Set<string>> {
  const { entries } = await manifestOf(store)
  return new Set(entries.flatMap(({ key }) => (key === undefined ? [] : jobKeys.file(job, attempt, key))))
}

it('sends a pack that is stored no second time when its program was killed', async () => {
  const { made, uploader } = await storing()
  const journal = join(made.state, 'next.ndjson')
  await eventually(() => expect(readFileSync(journal, 'utf8')).toContain('~packs/'))
  expect(uploader.killProgram()).toBe(true)
  const [first = ''] = await packsOf(made)
  await made.proxy.setFault({ kind: 'pass' })
  expect(await uploader.exit()).toBe(0)
  await expectAllStored(made)
  expect(await named(made)).toContain(first)
  // What was under way and what was not written down yet is sent again; the rest of the 30 MB is
  // not.
  expect((await packsOf(made)).length).toBeLessThan(16)
})

it('survives kills at random moments while small files come, change and go', async () => {
  const made = await newS3Attempt(minio, { ...packed, ...(await listening()) })
  await expectSurvivesKills(made, { rounds: 5, mostMs: 1200 })
})

it('makes what is stored of it a partial result once it is stopped', async () => {
  const { made, uploader } = await storing()
  await eventually(() => expect(readFileSync(join(made.state, 'next.ndjson'), 'utf8')).toContain('~packs/'))
  const cause = { reason: 'Canceled', message: 'canceled by request' }
  await made.store.put(
    jobKeys.stop(job),
    Buffer.from(JSON.stringify({ outcome: 'canceled', cause, at: Date.now() })),
  )
  expect(await uploader.exit()).toBe(3)
  const head = await commitCheckpoints(made.store, job, attempt)
  const { entries } = await manifestOf(made.store)
  expect(head?.count).toBeGreaterThan(0)
  const before = treeOf(made.result)
  const stored = await storedTree(
    made.store,
    entries.filter(({ error }) => error === undefined),
  )
  for (const [path, facts] of stored) expect(facts).toEqual(before.get(path))
})

it('takes over the packs of an uploader that has gone with its container, and packs what differs anew', async () => {
  const made = await newS3Attempt(minio, { ...packed, ...(await listening()) })
  writeMany(made, 300, 5000)
  const uploader = await new Uploader(made).ready()
  await getFrom(made, '/stop/token')
  await eventually(async () => expect((await keysOf(made.store)).filter(isCheckpoint)).toHaveLength(2))
  await uploader.kill()
  const packs = await packsOf(made)
  // Same size, as the checkpoint knows it.
  writeFileSync(join(made.result, 'd3/f3'), Buffer.alloc(5000, 'x'))
  const again = {
    ...made,
    environment: { ...made.environment, STATE_DIRECTORY: join(made.root, 'other-state'), RESCUE: 'true' },
  }
  expect(await new Uploader(again).exit()).toBe(0)
  await expectAllStored(made)
  expect(packs).toHaveLength(1)
  expect((await packsOf(made)).length).toBe(2)
  const { entries } = await manifestOf(made.store)
  const elsewhere = entries.filter(({ type, key = '' }) => type === 'file' && !packs[0]?.endsWith(key))
  expect(elsewhere.map(({ path }) => path)).toEqual(['d3/f3'])
})

it('sends what settles while the worker runs in packs, and only what changed once more', async () => {
  const made = await newS3Attempt(minio, { ...packed, UPLOAD_WHILE_RUNNING: 'true' })
  writeMany(made, 200, 1000)
  const uploader = await new Uploader(made).ready()
  const known = join(made.state, 'known.ndjson')
  const isAll = () => expect(readFileSync(known, 'utf8').match(/~packs/g)).toHaveLength(200)
  await eventually(isAll, { within: 40_000 })
  const early = await packsOf(made)
  writeFileSync(join(made.result, 'd3/f3'), 'changed at the end')
  const before = treeOf(made.result)
  expect(await uploader.terminate().exit()).toBe(0)
  const { entries } = await manifestOf(made.store)
  expect([...(await storedTree(made.store, entries))]).toEqual(sorted(before))
  const elsewhere = entries.filter(
    ({ type, key = '' }) => type === 'file' && !early.some((pack) => pack.endsWith(key)),
  )
  expect(elsewhere.map(({ path }) => path)).toEqual(['d3/f3'])
})
