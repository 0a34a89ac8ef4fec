import { describe, expect, it } from 'vitest'
import { mergeCheckpoints } from '../../../src/result-format/checkpoint/checkpoint-merge.ts'
import { findCheckpoints } from '../../../src/result-format/checkpoint/checkpoint-reader.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import type { createFolderStore } from '../../../src/store/folder/folder.ts'
import { attempt, job } from '../uploader-process.ts'
import { newPasses } from './passes.ts'

/** What a reader gets of the only file, its ETag being the condition. */
async function readMerged(store: ReturnType<typeof createFolderStore>): Promise<string> {
  await using merged = await mergeCheckpoints(store, job, attempt)
  const entries: Entry[] = []
  for await (const entry of merged?.entries() ?? []) entries.push(entry)
  const [{ key = '', etag = '' } = {}] = entries
  const { stream } = await store.get(jobKeys.file(job, attempt, key), { ifMatch: etag })
  return Buffer.concat(await stream.toArray()).toString()
}

it('leaves no gap in the checkpoint numbers, even if a program was killed before it had stored one', async () => {
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
  const before = await store.head(jobKeys.checkpoint(job, attempt, 2))
  write('second version')
  await pass('told')
  expect(await store.head(jobKeys.checkpoint(job, attempt, 2))).toEqual(before)
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
    for await (const { key } of store.list(jobKeys.file(job, attempt, ''))) keys.push(key)
    expect(keys).toHaveLength(2)
  })
})
