import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventually } from '../../support/time/eventually.ts'
import { manifestOf } from '../stored.ts'
import { storedTree, treeOf } from '../tree.ts'
import { type Attempt, getFrom, listening, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

const steps = { FURTHER_STEPS: 'true', UPLOAD_WHILE_RUNNING: 'true' }

type Made = ReturnType<typeof newFolderAttempt>

/** Resolves once the manifest has so many entries. */
const committed = (made: Made, count: number) =>
  eventually(async () => expect((await manifestOf(made.store)).head.count).toBe(count), { every: 20 })

async function expectWhole(made: Made & Attempt) {
  const { entries } = await manifestOf(made.store)
  expect([...(await storedTree(made.store, entries))]).toEqual([...treeOf(made.result)])
}

it('stores what a step writes after the SIGTERM, and removals, until nothing has changed', async () => {
  const made = newFolderAttempt(steps)
  write(made, 'first', 'before the stop')
  const uploader = await new Uploader(made).ready()
  uploader.terminate()
  await committed(made, 1)
  write(made, 'second', randomBytes(100_000))
  await committed(made, 2)
  rmSync(join(made.result, 'first'))
  write(made, 'second', 'changed')
  await eventually(
    async () => expect((await manifestOf(made.store)).head).toMatchObject({ count: 1, bytes: 7 }),
    {
      every: 20,
    },
  )
  expect(await uploader.exit()).toBe(0)
  await expectWhole(made)
  expect(JSON.parse(readFileSync(made.message, 'utf8'))).toEqual({ count: 1, bytes: 7, errors: 0 })
})

it('has the files of the last manifest if it is killed meanwhile, and goes on in the next program', async () => {
  const made = newFolderAttempt(steps)
  const uploader = await new Uploader(made).ready()
  write(made, 'first', 'one')
  uploader.terminate()
  await committed(made, 1)
  uploader.killProgram()
  write(made, 'second', 'two')
  expect(await uploader.exit()).toBe(0)
  await expectWhole(made)
  expect((await manifestOf(made.store)).head.count).toBe(2)
})

it('begins its last scan after its last change, so that a manifest proves what it covers', async () => {
  const made = newFolderAttempt(steps)
  const uploader = await new Uploader(made).ready()
  uploader.terminate()
  await committed(made, 0)
  const before = Date.now()
  write(made, 'late', 'x')
  expect(await uploader.exit()).toBe(0)
  const { head } = await manifestOf(made.store)
  expect(head.count).toBe(1)
  expect(Date.parse(head.scan_started_at)).toBeGreaterThanOrEqual(before)
})

it('commits once for a worker that the kubelet ended first', async () => {
  const made = newFolderAttempt({ ...steps, ...(await listening()) })
  const uploader = await new Uploader(made).ready()
  write(made, 'file', 'x')
  await getFrom(made, '/stop/token')
  expect(await uploader.terminate().exit()).toBe(0)
  expect((await manifestOf(made.store)).head).toMatchObject({ count: 1, stop_seen_at: expect.any(String) })
  expect(uploader.log.match(/"stored"/g)).toHaveLength(1)
})
