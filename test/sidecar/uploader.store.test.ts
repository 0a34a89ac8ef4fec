import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commitCheckpoints, openUploads } from '../../src/artifact/checkpoint.ts'
import { layout } from '../../src/artifact/layout.ts'
import { s3Client } from '../support/bucket.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningMinio, startMinio } from '../support/minio.ts'
import { expectAllStored, newS3Attempt, type S3Attempt, writeMany } from './s3-attempt.ts'
import { attempt, job, keysOf, manifestOf, Uploader } from './uploader-process.ts'

const MiB = 1024 * 1024

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

/** Uploads in parts that MinIO holds open for a file. */
async function openParts(bucket: string, name: string): Promise<number> {
  const uploads = s3Client(minio).listIncompleteUploads(bucket, layout.file(job, attempt, name), true)
  let count = 0
  for await (const _ of uploads) count += 1
  return count
}

describe('killed while it stores', () => {
  it('stores thousands of files all the same', async () => {
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

  it('stores a large file all the same, and leaves no upload open', async () => {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'large'), randomBytes(120 * MiB))
    await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: 8 * MiB })
    const uploader = await new Uploader(made).ready()
    uploader.terminate()
    await eventually(async () => expect(await openParts(made.bucket, 'large')).toBe(1))
    // So that others could abort it, had the whole container been killed.
    await eventually(async () =>
      expect(await openUploads(made.store, job, attempt)).toMatchObject([
        { key: layout.file(job, attempt, 'large') },
      ]),
    )
    expect(uploader.killProgram()).toBe(true)
    await made.proxy.setFault({ kind: 'pass' })
    expect(await uploader.exit()).toBe(0)
    await expectAllStored(made)
    expect(await openParts(made.bucket, 'large')).toBe(0)
  })

  it('survives kills at random moments while files are still being written', async () => {
    const made = await newS3Attempt(minio, { UPLOADER_PORT: '47331', STOP_TOKEN: 'token' })
    writeMany(made, 400, 3000)
    const uploader = await new Uploader(made).ready()
    await fetch('http://127.0.0.1:47331/stop/token')
    for (let round = 0; round < 6; round += 1) {
      await delay(Math.random() * 1500)
      uploader.killProgram()
      writeMany(made, 100 + round, 1000)
      rmSync(join(made.result, `d${round}`), { recursive: true })
    }
    await delay(1000)
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
    expect((await manifestOf(made.store)).head.stop_seen_at).toBeDefined()
  })
})

describe('told to stop while it stores', () => {
  async function storing(outcome: string): Promise<{ made: S3Attempt; uploader: Uploader }> {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'a small'), 'small')
    writeFileSync(join(made.result, 'large'), randomBytes(200 * MiB))
    await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: 2 * MiB })
    const uploader = await new Uploader(made).ready()
    uploader.terminate()
    await eventually(async () => expect(await openParts(made.bucket, 'large')).toBe(1))
    const cause = { reason: 'Canceled', message: 'canceled by request' }
    await made.store.put(layout.stop(job), Buffer.from(JSON.stringify({ outcome, cause, at: Date.now() })))
    return { made, uploader }
  }

  it('leaves a checkpoint of what is stored, no open upload and no manifest', async () => {
    const { made, uploader } = await storing('canceled')
    const begun = Date.now()
    expect(await uploader.exit()).toBe(3)
    expect(Date.now() - begun).toBeLessThan(9000)
    expect(JSON.parse(readFileSync(made.message, 'utf8'))).toEqual({
      reason: 'Canceled',
      message: 'canceled by request',
    })
    expect(await openParts(made.bucket, 'large')).toBe(0)
    expect(await made.store.head(layout.manifest(job, attempt))).toBeUndefined()
    const head = await commitCheckpoints(made.store, job, attempt)
    expect(head).toMatchObject({ count: 1, errors: 0 })
    expect((await manifestOf(made.store)).entries).toMatchObject([{ path: 'a small', size: 5 }])
  })

  it('writes nothing more when the job is deleted', async () => {
    const { made, uploader } = await storing('deleted')
    expect(await uploader.exit()).toBe(3)
    expect(await openParts(made.bucket, 'large')).toBe(0)
    const keys = await keysOf(made.store, layout.job(job))
    await made.store.remove(keys)
    await delay(3000)
    expect(await keysOf(made.store, layout.job(job))).toEqual([])
    expect(keys).not.toContain(layout.manifest(job, attempt))
  })

  it('writes nothing when it comes back to a job that was deleted meanwhile', async () => {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'file'), 'content')
    const uploader = await new Uploader(made).ready()
    await made.store.put(layout.stop(job), Buffer.from(JSON.stringify({ outcome: 'deleted' })))
    writeFileSync(join(made.state, 'terminating'), String(Date.now()))
    uploader.killProgram()
    expect(await uploader.exit()).toBe(3)
    expect((await keysOf(made.store)).filter((key) => !key.includes('/checkpoint/'))).toEqual([])
  })

  it('stores what a worker left that was canceled and ended in time', async () => {
    const made = await newS3Attempt(minio)
    writeFileSync(join(made.result, 'last words'), 'of the worker')
    const uploader = await new Uploader(made).ready()
    await made.store.put(layout.stop(job), Buffer.from(JSON.stringify({ outcome: 'canceled' })))
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })
})

describe('a store in trouble', () => {
  it('is waited for, and what it lacks is said', async () => {
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

  it('gets credentials that were renewed', async () => {
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
      const port = 47332
      const settings = { UPLOAD_TIMEOUT_SECONDS: '10', UPLOADER_PORT: String(port), STOP_TOKEN: 'token' }
      const made = await newS3Attempt(minio, settings)
      writeFileSync(join(made.result, 'a small'), 'small')
      writeFileSync(join(made.result, 'large'), randomBytes(200 * MiB))
      await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: 2 * MiB })
      const uploader = await new Uploader(made).ready()
      if (since !== 'the worker’s end') {
        await fetch(`http://127.0.0.1:${port}/stop/token`)
        await eventually(async () => expect(await openParts(made.bucket, 'large')).toBe(1))
      }
      const begun = Date.now()
      expect(await uploader.terminate().exit()).toBe(3)
      expect(Date.now() - begun).toBeLessThan(10_000)
      expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({ reason: 'UploadTimeout' })
      expect(await commitCheckpoints(made.store, job, attempt)).toMatchObject({ count: 1 })
      expect(await openParts(made.bucket, 'large')).toBe(0)
    },
  )
})
