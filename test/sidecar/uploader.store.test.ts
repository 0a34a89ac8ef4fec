import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unstoredError } from '../../sidecar/pass/unstored.ts'
import { filesLeftOut } from '../../src/job/state/left-out.ts'
import { commitCheckpoints, openUploads } from '../../src/result-format/checkpoint/checkpoint.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { s3Client } from '../support/store/bucket.ts'
import { type RunningMinio, startMinio } from '../support/store/minio.ts'
import { eventually } from '../support/time/eventually.ts'
import { expectSurvivesKills, newS3Attempt, type S3Attempt } from './s3-attempt.ts'
import { keysOf, manifestOf } from './stored.ts'
import { expectAllStored } from './tree.ts'
import { attempt, getFrom, job, listening, Uploader, writeMany } from './uploader-process.ts'

const MiB = 1024 * 1024

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

/** Uploads in parts that MinIO holds open for a file. */
async function openParts(bucket: string, name: string): Promise<number> {
  const uploads = s3Client(minio).listIncompleteUploads(bucket, jobKeys.file(job, attempt, name), true)
  let count = 0
  for await (const _ of uploads) count += 1
  return count
}

describe('killed while it stores', () => {
  it('stores thousands of files nevertheless', async () => {
    const made = await newS3Attempt(minio)
    writeMany(made, 2000, 2000)
    const uploader = await new Uploader(made).ready()
    uploader.terminate()
    let kills = 0
    for (const before of [600, 900, 1200]) {
      await delay(before)
      if (uploader.killProgram()) kills += 1
    }
    expect(await uploader.exit()).toBe(0)
    expect(kills).toBeGreaterThan(0)
    await expectAllStored(made)
  })

  it('stores a large file nevertheless, and leaves no upload open', async () => {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'large'), randomBytes(120 * MiB))
    await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: 2 * MiB })
    const uploader = await new Uploader(made).ready()
    uploader.terminate()
    await eventually(async () => expect(await openParts(made.bucket, 'large')).toBe(1))
    // So that others could abort it, had the whole container been killed.
    await eventually(async () =>
      expect(await openUploads(made.store, job, attempt)).toMatchObject([
        { key: jobKeys.file(job, attempt, 'large') },
      ]),
    )
    expect(uploader.killProgram()).toBe(true)
    await made.proxy.setFault({ kind: 'pass' })
    expect(await uploader.exit()).toBe(0)
    await expectAllStored(made)
    expect(await openParts(made.bucket, 'large')).toBe(0)
  })

  it('survives kills at random moments while files are still being written', async () => {
    const made = await newS3Attempt(minio, await listening())
    await expectSurvivesKills(made, { rounds: 6, mostMs: 1500 })
    expect((await manifestOf(made.store)).head.stop_seen_at).toBeDefined()
  })
})

describe('told to stop while it stores', () => {
  async function storing(outcome: string): Promise<{ made: S3Attempt; uploader: Uploader }> {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'a small'), 'small')
    writeFileSync(join(made.result, 'large'), randomBytes(200 * MiB))
    mkdirSync(join(made.result, 'folder'))
    writeFileSync(join(made.result, 'too large'), '')
    truncateSync(join(made.result, 'too large'), 6 * 2 ** 40)
    await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: 2 * MiB })
    const uploader = await new Uploader(made).ready()
    uploader.terminate()
    await eventually(async () => expect(await openParts(made.bucket, 'large')).toBe(1))
    const cause = { reason: 'Canceled', message: 'canceled by request' }
    await made.store.put(jobKeys.stop(job), Buffer.from(JSON.stringify({ outcome, cause, at: Date.now() })))
    return { made, uploader }
  }

  it('leaves a checkpoint of all files, no open upload and no manifest', async () => {
    const { made, uploader } = await storing('canceled')
    const begun = Date.now()
    expect(await uploader.exit()).toBe(3)
    // The rest of the file would take over a minute.
    expect(Date.now() - begun).toBeLessThan(45_000)
    expect(JSON.parse(readFileSync(made.message, 'utf8'))).toEqual({
      reason: 'Canceled',
      message: 'canceled by request',
    })
    expect(await openParts(made.bucket, 'large')).toBe(0)
    expect(await made.store.head(jobKeys.manifest(job, attempt))).toBeUndefined()
    const head = await commitCheckpoints(made.store, job, attempt)
    expect(head).toMatchObject({ count: 4, bytes: 5, errors: 2, all_listed: true })
    expect(filesLeftOut(head ?? 'none')?.message).toMatch(
      /^2 of 4 entries are not stored whole; the first is "large" /,
    )
    expect((await manifestOf(made.store)).entries).toMatchObject([
      { path: 'a small', size: 5, sha256: expect.any(String) },
      { path: 'folder', type: 'directory' },
      { path: 'large', size: 200 * MiB, error: unstoredError },
      { path: 'too large', error: expect.stringContaining('5 TiB') },
    ])
  })

  it('writes nothing more when the job is deleted', async () => {
    const { made, uploader } = await storing('deleted')
    expect(await uploader.exit()).toBe(3)
    expect(await openParts(made.bucket, 'large')).toBe(0)
    const keys = await keysOf(made.store, jobKeys.job(job))
    await made.store.remove(keys)
    await delay(3000)
    expect(await keysOf(made.store, jobKeys.job(job))).toEqual([])
    expect(keys).not.toContain(jobKeys.manifest(job, attempt))
  })

  it('writes nothing if the job was deleted before its restart', async () => {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'file'), 'content')
    const uploader = await new Uploader(made).ready()
    await made.store.put(jobKeys.stop(job), Buffer.from(JSON.stringify({ outcome: 'deleted' })))
    writeFileSync(join(made.state, 'terminating'), String(Date.now()))
    uploader.killProgram()
    expect(await uploader.exit()).toBe(3)
    expect((await keysOf(made.store)).filter((key) => !key.includes('/checkpoint/'))).toEqual([])
  })

  it('stores the results of a canceled worker that ended in time', async () => {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'last words'), 'of the worker')
    const uploader = await new Uploader(made).ready()
    await made.store.put(jobKeys.stop(job), Buffer.from(JSON.stringify({ outcome: 'canceled' })))
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })
})

describe('a store in trouble', () => {
  it('is waited for, and the obstacle is logged', async () => {
    const made = await newS3Attempt(minio)
    writeMany(made, 200, 5000)
    await made.proxy.setFault({ kind: 'refuse' })
    const uploader = new Uploader(made)
    const says = (text: string) => eventually(() => expect(uploader.log).toContain(text))
    await says('"reason":"StoreUnavailable"')
    await made.proxy.setFault({ kind: 'pass' })
    await uploader.ready()
    for (const fault of [{ kind: 'reset' }, { kind: 'slow-down' }] as const) {
      await made.proxy.setFault(fault)
      uploader.terminate()
      await delay(1500)
    }
    await made.proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 0, times: 20 })
    expect(await uploader.exit()).toBe(0)
    await expectAllStored(made)
  })

  it('gets renewed credentials', async () => {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'file'), 'content')
    const file = join(made.environment.CREDENTIALS_DIRECTORY ?? '', 'secret-key')
    writeFileSync(file, 'an old one')
    const uploader = new Uploader(made)
    await eventually(() => expect(uploader.log).toMatch(/credentials must allow/))
    writeFileSync(file, minio.secretKey)
    await uploader.ready()
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })

  it.each(['the worker’s end', 'a checkpoint under way at the worker’s end'])(
    'for too long since %s ends in UploadTimeout, before the time is over',
    async (since) => {
      const made = await newS3Attempt(minio, { UPLOAD_TIMEOUT_SECONDS: '15', ...(await listening()) })
      writeFileSync(join(made.result, 'a small'), 'small')
      writeFileSync(join(made.result, 'large'), randomBytes(200 * MiB))
      await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: 2 * MiB })
      const uploader = await new Uploader(made).ready()
      if (since !== 'the worker’s end') {
        await getFrom(made, '/stop/token')
        await eventually(async () => expect(await openParts(made.bucket, 'large')).toBe(1))
      }
      const begun = Date.now()
      expect(await uploader.terminate().exit()).toBe(3)
      expect(Date.now() - begun).toBeLessThan(15_000)
      expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({ reason: 'UploadTimeout' })
      expect(await commitCheckpoints(made.store, job, attempt)).toMatchObject({
        ...{ count: 2, bytes: 5, errors: 1 },
        ...(since === 'the worker’s end' && { all_listed: true }),
      })
      expect(await openParts(made.bucket, 'large')).toBe(0)
    },
  )
})
