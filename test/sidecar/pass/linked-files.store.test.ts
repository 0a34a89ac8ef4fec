import { randomBytes } from 'node:crypto'
import { linkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { eventually } from '../../support/time/eventually.ts'
import { newS3Attempt } from '../s3-attempt.ts'
import { keysOf } from '../stored.ts'
import { expectAllStored } from '../tree.ts'
import { attempt, job, Uploader, write } from '../uploader-process.ts'

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

it.each(['files', 'packed'])(
  'hard links made before and after the first upload stay right on S3, also after a kill (%s)',
  { timeout: 120_000 },
  async (layout) => {
    const made = await newS3Attempt(minio, { RESULT_LAYOUT: layout, UPLOAD_WHILE_RUNNING: 'true' })
    const link = (from: string, to: string) => linkSync(join(made.result, from), join(made.result, to))
    const uploader = await new Uploader(made).ready()
    write(made, 'large', randomBytes(20_000_000))
    write(made, 'small', randomBytes(10_000))
    for (const name of ['large', 'small']) link(name, `${name} again`)
    const files = () => keysOf(made.store, jobKeys.file(job, attempt, ''))
    await eventually(async () => expect(await files()).toHaveLength(2), { within: 60_000 })
    expect(uploader.killProgram()).toBe(true)
    for (const name of ['large', 'small']) {
      link(name, `${name} a third time`)
      rmSync(join(made.result, name))
      write(made, name, `another ${name}`)
    }
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  },
)
