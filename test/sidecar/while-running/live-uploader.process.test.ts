import { appendFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { eventually } from '../../support/time/eventually.ts'
import { isCheckpoint, keysOf, manifestOf } from '../stored.ts'
import { sorted, storedTree, treeOf } from '../tree.ts'
import { attempt, job, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

/** On a busy machine it holds itself back. */
const patient = { within: 40_000 }
const early = { UPLOAD_WHILE_RUNNING: 'true' }

describe('while the worker runs, the uploader', () => {
  it('sends a file that has settled, and does not repeat that at the end', async () => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    write(made, 'settled', 'early')
    const key = jobKeys.file(job, attempt, 'settled')
    const sent = await eventually(async () => {
      const head = await made.store.head(key)
      expect(head).toBeDefined()
      return head
    }, patient)
    write(made, 'late', 'just before the end')
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
    expect((await made.store.head(key))?.modified).toEqual(sent?.modified)
  })

  it('writes a checkpoint of the files that it sent', async () => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    write(made, 'settled', 'early')
    await eventually(
      async () => expect((await keysOf(made.store)).filter(isCheckpoint)).toHaveLength(2),
      patient,
    )
    expect(await uploader.terminate().exit()).toBe(0)
  })

  it('writes a checkpoint while files keep coming', async () => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    let written = 0
    const writing = setInterval(() => {
      written += 1
      write(made, `file-${written}`, `${written}`)
    }, 1000)
    try {
      await eventually(
        async () => expect((await keysOf(made.store)).filter(isCheckpoint)).toHaveLength(2),
        patient,
      )
    } finally {
      clearInterval(writing)
    }
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })

  it.each<[what: string, change: (path: string) => void]>([
    ['rewritten with the same size', (path) => writeFileSync(path, 'LATER')],
    [
      'rewritten with the same size and its mtime set back',
      (path) => {
        writeFileSync(path, 'LATER')
        utimesSync(path, 1_000_000_000, 1_000_000_000)
      },
    ],
    ['appended to', (path) => appendFileSync(path, ' and more')],
    ['renamed', (path) => renameSync(path, `${path}.new`)],
    ['removed', (path) => rmSync(path)],
    [
      'replaced by another of the same name',
      (path) => {
        writeFileSync(`${path}.tmp`, 'LATER')
        renameSync(`${path}.tmp`, path)
      },
    ],
  ])('stores the results as they are at the end: a file sent before and then %s', async (_what, change) => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    const path = join(made.result, 'file')
    writeFileSync(path, 'first')
    utimesSync(path, 1_000_000_000, 1_000_000_000)
    await eventually(
      async () => expect(await made.store.head(jobKeys.file(job, attempt, 'file'))).toBeDefined(),
      patient,
    )
    change(path)
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })

  it('leaves a file alone that never settles', async () => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    const log = join(made.result, 'log')
    const growing = setInterval(() => appendFileSync(log, 'a line\n'), 100)
    write(made, 'settled', 'early')
    await eventually(
      async () => expect(await made.store.head(jobKeys.file(job, attempt, 'settled'))).toBeDefined(),
      patient,
    )
    await delay(3000)
    expect(await made.store.head(jobKeys.file(job, attempt, 'log'))).toBeUndefined()
    clearInterval(growing)
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })

  it('sends some of thousands of files before the end, and all of them in the end', async () => {
    const made = newFolderAttempt(early)
    for (let index = 0; index < 3000; index += 1) write(made, `file-${index}`, `${index}`)
    const uploader = await new Uploader(made).ready()
    const files = jobKeys.file(job, attempt, '')
    await eventually(async () => expect((await keysOf(made.store, files)).length).toBeGreaterThan(200), {
      ...patient,
      every: 1000,
    })
    for (let index = 0; index < 3000; index += 50) write(made, `file-${index}`, `later ${index}`)
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })

  it('sends nothing before the end without UPLOAD_WHILE_RUNNING', async () => {
    const made = newFolderAttempt()
    const uploader = await new Uploader(made).ready()
    write(made, 'settled', 'early')
    await delay(4000)
    expect((await keysOf(made.store)).filter((key) => !isCheckpoint(key))).toEqual([])
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })
})

async function expectAllStored(made: ReturnType<typeof newFolderAttempt>): Promise<void> {
  const { entries } = await manifestOf(made.store)
  expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
}
