import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { commitCheckpoints } from '../../../src/result-format/checkpoint/checkpoint.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { eventually } from '../../support/time/eventually.ts'
import { keysOf, manifestOf } from '../stored.ts'
import { attempt, getFrom, job, listening, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

/* A node that was lost may come back, and with it an uploader whose attempt was given up. */

it('leaves a manifest that the API has made of its checkpoints, and says so', async () => {
  const made = newFolderAttempt(await listening())
  write(made, 'early', 'was stored in time')
  const uploader = await new Uploader(made).ready()
  await getFrom(made, '/stop/token')
  await eventually(async () => {
    expect(await made.store.head(jobKeys.checkpoint(job, attempt, 2))).toBeDefined()
  })
  const head = await commitCheckpoints(made.store, job, attempt)
  expect(head).toMatchObject({ checkpoint: 2, count: 1 })
  const before = await keysOf(made.store)
  write(made, 'late', 'comes too late')
  write(made, 'early', 'and this too')
  expect(await uploader.terminate().exit()).toBe(3)
  expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({
    reason: 'UploadInterrupted',
    message: expect.stringContaining('given up'),
  })
  expect(await keysOf(made.store)).toEqual(before)
  expect((await manifestOf(made.store)).head).toEqual(head)
})

it('stores nothing of a job that was deleted meanwhile', async () => {
  const made = newFolderAttempt()
  write(made, 'file', 'content')
  const uploader = await new Uploader(made).ready()
  await made.store.remove(await keysOf(made.store))
  expect(await uploader.terminate().exit()).toBe(3)
  expect(readFileSync(made.message, 'utf8')).toContain('deleted')
  expect(await keysOf(made.store)).toEqual([])
})

it('replaces a manifest of its own, which a SIGTERM before the end of the worker may have caused', async () => {
  const made = newFolderAttempt()
  write(made, 'file', 'first')
  expect(await (await new Uploader(made).ready()).terminate().exit()).toBe(0)
  const again = newFolderAttempt({ STORE_DIRECTORY: made.environment.STORE_DIRECTORY ?? '' })
  write(again, 'file', 'second')
  expect(await (await new Uploader(again).ready()).terminate().exit()).toBe(0)
  const { head, entries } = await manifestOf(made.store)
  expect([head.checkpoint, entries[0]?.size]).toEqual([undefined, 6])
})
