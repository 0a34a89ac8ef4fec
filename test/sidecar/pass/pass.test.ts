import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Journals } from '../../../sidecar/known/journals.ts'
import { type PassContext, runPass } from '../../../sidecar/pass/pass.ts'
import { proveStore } from '../../../sidecar/prepare/prove-store.ts'
import { Progress } from '../../../sidecar/progress/progress.ts'
import { StateDirectory } from '../../../sidecar/state-directory.ts'
import { OpenUploads } from '../../../sidecar/store/open-uploads.ts'
import { StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { Buffers } from '../../../sidecar/upload/buffers.ts'
import { mergeCheckpoints } from '../../../src/artifact/checkpoint-merge.ts'
import { findCheckpoints } from '../../../src/artifact/checkpoint-reader.ts'
import type { Entry } from '../../../src/artifact/entry.ts'
import { createFolderStore } from '../../../src/artifact/folder.ts'
import { layout } from '../../../src/artifact/layout.ts'
import { defaultPacking } from '../../../src/artifact/result-layout.ts'
import { attempt, job } from '../uploader-process.ts'

/** An uploader's inside, without the program: a kill is a pass after which nothing is done. */
async function newPasses() {
  const root = mkdtempSync(join(tmpdir(), 'jobferry-pass-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const resultDirectory = join(root, 'result')
  mkdirSync(resultDirectory)
  const store = createFolderStore(join(root, 'store'))
  const state = new StateDirectory(join(root, 'state'))
  const uploads = new OpenUploads(state)
  await proveStore(store, state, { job, attempt }, new AbortController().signal)
  const context: PassContext = {
    job,
    attempt,
    resultDirectory,
    resultLayout: 'files',
    packing: defaultPacking,
    state,
    journals: new Journals(state),
    store: uploads.tracked(store),
    uploads,
    calls: new StoreCalls(store.name),
    buffers: new Buffers(),
    progress: new Progress(),
  }
  const enough = new AbortController().signal
  const pass = async (end: 'adopted' | 'told' | 'killed', final = false) => {
    const { ledger } = await runPass(context, { final, enough, onBegin: () => undefined })
    if (end === 'killed') return
    await ledger.checkpoint(context.calls)
    if (end === 'adopted') context.journals.adopt()
  }
  const write = (content: string | Buffer) => writeFileSync(join(resultDirectory, 'file'), content)
  return { store, state, pass, write }
}

/** What a reader gets of the only file, its ETag being the condition. */
async function readMerged(store: ReturnType<typeof createFolderStore>): Promise<string> {
  await using merged = await mergeCheckpoints(store, job, attempt)
  const entries: Entry[] = []
  for await (const entry of merged?.entries() ?? []) entries.push(entry)
  const [{ key = '', etag = '' } = {}] = entries
  const { stream } = await store.get(layout.file(job, attempt, key), { ifMatch: etag })
  return Buffer.concat(await stream.toArray()).toString()
}

it('leaves out no number of a checkpoint, though a program was killed before it had stored one', async () => {
  const { store, state, pass, write } = await newPasses()
  write('first')
  await pass('told')
  state.markCheckpoint(3)
  write('second version')
  await pass('told')
  expect(await findCheckpoints(store, job, attempt)).toHaveLength(4)
  expect(await readMerged(store)).toBe('second version')
})

it('keeps a checkpoint that a program had stored when it was killed', async () => {
  const { store, state, pass, write } = await newPasses()
  write('first')
  await pass('told')
  state.storedCheckpoint = 0
  const before = await store.head(layout.checkpoint(job, attempt, 2))
  write('second version')
  await pass('told')
  expect(await store.head(layout.checkpoint(job, attempt, 2))).toEqual(before)
  expect(await findCheckpoints(store, job, attempt)).toHaveLength(3)
})

describe('a file that a checkpoint names', () => {
  it.each([false, true])(
    'can be read after a newer version was stored and not yet told (final: %s)',
    async (final) => {
      const { store, pass, write } = await newPasses()
      write('first')
      await pass('adopted')
      write('second version')
      await pass('killed', final)
      expect(await readMerged(store)).toBe('first')
      await pass('told', final)
      expect(await readMerged(store)).toBe('second version')
    },
  )

  it('can be read when its checkpoint was written by a program that was killed before it noted so', async () => {
    const { store, pass, write } = await newPasses()
    write('first')
    await pass('adopted')
    write('second version')
    await pass('told')
    write('the third version')
    await pass('killed')
    expect(await readMerged(store)).toBe('second version')
  })

  it('can be read when it is large', async () => {
    const { store, pass, write } = await newPasses()
    const large = Buffer.alloc(9 * 1024 * 1024, 'a')
    write(large)
    await pass('adopted')
    write(Buffer.alloc(large.length, 'b'))
    await pass('killed')
    expect(await readMerged(store)).toBe(large.toString())
  })

  it('takes two keys in turn, however often it changes', async () => {
    const { store, pass, write } = await newPasses()
    for (let version = 0; version < 6; version += 1) {
      write('x'.repeat(version))
      await pass('adopted')
    }
    expect(await readMerged(store)).toBe('x'.repeat(5))
    const keys: string[] = []
    for await (const { key } of store.list(layout.file(job, attempt, ''))) keys.push(key)
    expect(keys).toHaveLength(2)
  })
})
