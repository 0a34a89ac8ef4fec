import { appendFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { layout } from '../../../src/artifact/layout.ts'
import { eventually } from '../../support/eventually.ts'
import { sorted, storedTree, treeOf } from '../tree.ts'
import { attempt, job, keysOf, manifestOf, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

/** On a busy machine it holds itself back. */
const patient = { within: 40_000 }
const early = { UPLOAD_WHILE_RUNNING: 'true' }

describe('while the worker runs, the uploader', { timeout: 60_000 }, () => {
  it('sends a file that has settled, and not once more at the end', async () => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    write(made, 'settled', 'early')
    const key = layout.file(job, attempt, 'settled')
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

  it('writes down what it sent in a checkpoint', async () => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    write(made, 'settled', 'early')
    await eventually(
      async () => expect((await keysOf(made.store)).filter(isCheckpoint)).toHaveLength(2),
      patient,
    )
    expect(await uploader.terminate().exit()).toBe(0)
  })

  it('writes down what it sent though files keep coming', async () => {
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
  ])('counts what the worker leaves at its end: a file sent early and then %s', async (_what, change) => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    const path = join(made.result, 'file')
    writeFileSync(path, 'first')
    utimesSync(path, 1_000_000_000, 1_000_000_000)
    await eventually(
      async () => expect(await made.store.head(layout.file(job, attempt, 'file'))).toBeDefined(),
      patient,
    )
    change(path)
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })

  it('leaves a file alone that never rests', async () => {
    const made = newFolderAttempt(early)
    const uploader = await new Uploader(made).ready()
    const log = join(made.result, 'log')
    const growing = setInterval(() => appendFileSync(log, 'a line\n'), 100)
    write(made, 'settled', 'early')
    await eventually(
      async () => expect(await made.store.head(layout.file(job, attempt, 'settled'))).toBeDefined(),
      patient,
    )
    await delay(3000)
    expect(await made.store.head(layout.file(job, attempt, 'log'))).toBeUndefined()
    clearInterval(growing)
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })

  it('sends a part of thousands of files early, and all of them in the end', async () => {
    const made = newFolderAttempt(early)
    for (let index = 0; index < 3000; index += 1) write(made, `file-${index}`, `${index}`)
    const uploader = await new Uploader(made).ready()
    const files = layout.file(job, attempt, '')
    await eventually(async () => expect((await keysOf(made.store, files)).length).toBeGreaterThan(200), {
      ...patient,
      every: 1000,
    })
    for (let index = 0; index < 3000; index += 50) write(made, `file-${index}`, `later ${index}`)
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
  })

  it('does nothing of that where it is not told to', async () => {
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

function isCheckpoint(key: string): boolean {
  return key.includes('/checkpoint/')
}
