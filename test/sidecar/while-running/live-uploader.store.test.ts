import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commitCheckpoints } from '../../../src/result-format/checkpoint/checkpoint.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { s3Client } from '../../support/store/bucket.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { eventually } from '../../support/time/eventually.ts'
import { newS3Attempt, type S3Attempt } from '../s3-attempt.ts'
import { isCheckpoint, keysOf, manifestOf, objectOf } from '../stored.ts'
import { expectAllStored } from '../tree.ts'
import { attempt, getFrom, job, listening, Uploader } from '../uploader-process.ts'

const MiB = 1024 * 1024
/** On a busy machine it holds itself back. */
const patient = { within: 60_000 }

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

const early = (more: Record<string, string> = {}) =>
  newS3Attempt(minio, { UPLOAD_WHILE_RUNNING: 'true', ...more })
const keyOf = (name: string) => jobKeys.file(job, attempt, name)

async function isSent(made: S3Attempt, name: string): Promise<Date | undefined> {
  return eventually(async () => {
    const head = await made.store.head(keyOf(name))
    expect(head).toBeDefined()
    return head?.modified
  }, patient)
}

/** All lines of all checkpoints. */
async function checkpoints({ store }: S3Attempt): Promise<string> {
  const keys = (await keysOf(store)).filter(isCheckpoint)
  const bodies = await Promise.all(keys.map((key) => objectOf(store, key)))
  return Buffer.concat(bodies).toString()
}

/** Parts of a file that the store holds. */
async function openParts(bucket: string, name: string): Promise<number> {
  let count = 0
  for await (const _ of s3Client(minio).listIncompleteUploads(bucket, keyOf(name), true)) count += 1
  return count
}

/** A large file has settled and is on its way, slowly. */
async function sendingSlowly(more: Record<string, string> = {}): Promise<[S3Attempt, Uploader]> {
  const made = await early(more)
  const uploader = await new Uploader(made).ready()
  await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: MiB / 2 })
  writeFileSync(join(made.result, 'large'), randomBytes(40 * MiB))
  await eventually(async () => expect(await openParts(made.bucket, 'large')).toBe(1), patient)
  return [made, uploader]
}

describe('while the worker runs', () => {
  it('a kill of the program loses no file that a checkpoint names', async () => {
    const made = await early()
    const uploader = await new Uploader(made).ready()
    mkdirSync(join(made.result, 'many'))
    for (let index = 0; index < 300; index += 1)
      writeFileSync(join(made.result, 'many', String(index)), randomBytes(100))
    const [first, last] = [await isSent(made, 'many/0'), await isSent(made, 'many/99')]
    await eventually(() => expect(uploader.killProgram()).toBe(true))
    writeFileSync(join(made.result, 'new'), 'after the kill')
    await isSent(made, 'new')
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
    expect(await isSent(made, 'many/0')).toEqual(first)
    expect(await isSent(made, 'many/99')).toEqual(last)
  })

  it('a store that is away is not reported, and the files are stored at the end', async () => {
    const made = await early()
    const uploader = await new Uploader(made).ready()
    await made.proxy.setFault({ kind: 'refuse' })
    writeFileSync(join(made.result, 'file'), randomBytes(1000))
    writeFileSync(join(made.result, 'large'), randomBytes(20 * MiB))
    const next = join(made.state, 'next.ndjson')
    await eventually(() => readFileSync(next), patient)
    await made.proxy.setFault({ kind: 'pass' })
    expect(await uploader.terminate().exit()).toBe(0)
    expect(uploader.log).not.toMatch(/"level":"?(error|50)/)
    await expectAllStored(made)
  })

  it('a file in flight at the end is finished, and sent once', async () => {
    const [made, uploader] = await sendingSlowly()
    writeFileSync(join(made.result, 'late'), 'just before the end')
    uploader.terminate()
    // The final pass is over the others meanwhile.
    await isSent(made, 'late')
    expect(await made.store.head(keyOf('large'))).toBeUndefined()
    await made.proxy.setFault({ kind: 'pass' })
    expect(await uploader.exit()).toBe(0)
    expect(made.proxy.requested).toBeLessThan(44 * MiB)
    await expectAllStored(made)
    expect(await openParts(made.bucket, 'large')).toBe(0)
  })

  it('a file that changes in flight is stored as it is at the end', async () => {
    const [made, uploader] = await sendingSlowly()
    writeFileSync(join(made.result, 'large'), randomBytes(9 * MiB))
    await made.proxy.setFault({ kind: 'pass' })
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
    expect(await openParts(made.bucket, 'large')).toBe(0)
  })

  it('a file that is removed in flight leaves no upload open', async () => {
    const [made, uploader] = await sendingSlowly()
    rmSync(join(made.result, 'large'))
    writeFileSync(join(made.result, 'other'), 'content')
    await made.proxy.setFault({ kind: 'pass' })
    expect(await uploader.terminate().exit()).toBe(0)
    expect((await manifestOf(made.store)).entries.map(({ path }) => path)).toEqual(['other'])
    expect(await openParts(made.bucket, 'large')).toBe(0)
  })

  it('GET /stop has all settled files sent and checkpointed, beside those in flight', async () => {
    const [made, uploader] = await sendingSlowly(await listening())
    // On each connection: for longer than the checkpoints that follow take on a busy machine.
    await made.proxy.setFault({ kind: 'throttle', bytesPerSecond: MiB / 16 })
    writeFileSync(join(made.result, 'a'), 'has not settled')
    await getFrom(made, '/stop/token')
    await isSent(made, 'a')
    expect(await made.store.head(keyOf('large'))).toBeUndefined()
    await eventually(async () => expect(await checkpoints(made)).toContain('"path":"a"'), patient)
    await uploader.kill()
    const head = await commitCheckpoints(made.store, job, attempt)
    expect(head).toMatchObject({ count: 1 })
  })
})
