import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { mergeCheckpoints } from '../../../src/result-format/checkpoint/checkpoint-merge.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { sorted, storedTree, treeOf } from '../tree.ts'
import { attempt, job } from '../uploader-process.ts'
import { newPasses } from './passes.ts'

const layouts = ['files', 'packed'] as const
const large = 9 * 1024 * 1024

it.each(layouts)(
  'a name that gets other bytes leaves the bytes of its other names alone, which are not looked at (%s)',
  async (layout) => {
    const { store, pass, resultDirectory } = await newPasses(layout)
    const at = (name: string) => join(resultDirectory, name)
    writeFileSync(at('a'), 'shared')
    for (const name of ['b', 'c']) linkSync(at('a'), at(name))
    await pass('adopted')
    for (const content of ['a second a', 'a third a', 'a fourth a']) {
      rmSync(at('a'))
      writeFileSync(at('a'), content)
      await pass('adopted', false, ({ path }) => path === 'a')
      expect(await stored(store)).toEqual(sorted(treeOf(resultDirectory)))
    }
  },
)

it.each(layouts)(
  'a file that gets a second name after it was stored stays right in both (%s)',
  async (layout) => {
    const { store, pass, resultDirectory } = await newPasses(layout)
    const at = (name: string) => join(resultDirectory, name)
    writeFileSync(at('b'), 'first')
    writeFileSync(at('m'), Buffer.alloc(large, 'm'))
    await pass('adopted')
    for (const name of ['a', 'c']) linkSync(at('b'), at(name))
    for (const name of ['l', 'n']) linkSync(at('m'), at(name))
    await pass('adopted')
    expect(await stored(store)).toEqual(sorted(treeOf(resultDirectory)))
    writeFileSync(at('c'), 'by another name')
    await pass('adopted', true)
    expect(await stored(store)).toEqual(sorted(treeOf(resultDirectory)))
  },
)

it.each(layouts)(
  'links, renames, changes and kills in any order leave every checkpoint readable (%s)',
  async (layout) => {
    const { store, pass, resultDirectory } = await newPasses(layout)
    const random = randomOf(layout === 'files' ? 7 : 11)
    const names = Array.from({ length: 12 }, (_, index) => `d${index % 3}/f${index}`)
    const paths = names.map((name) => join(resultDirectory, name))
    for (const directory of ['d0', 'd1', 'd2']) mkdirSync(join(resultDirectory, directory))
    for (let round = 0; round < 30; round += 1) {
      for (let step = 0; step < 4; step += 1)
        change(pick(paths, random), pick(paths, random), `${round}-${step}`, random)
      const end = pick(['adopted', 'told', 'killed'] as const, random)
      // As while the worker runs, when some files rest longer than others.
      const isPartial = random() < 0.6
      await pass(end, !isPartial && random() < 0.3, isPartial ? () => random() < 0.5 : undefined)
      // Every entry's digest is that of the bytes in the store, also of names that were not looked at.
      const told = await stored(store)
      if (end === 'adopted' && !isPartial) expect(told).toEqual(sorted(treeOf(resultDirectory)))
    }
  },
)

function change(path: string, other: string, content: string, random: () => number): void {
  const dice = random()
  try {
    if (dice < 0.4) {
      rmSync(path, { force: true })
      linkSync(other, path)
    } else if (dice < 0.6) renameSync(other, path)
    else if (dice < 0.7) rmSync(path)
    else if (dice < 0.85) writeFileSync(path, content)
    else {
      rmSync(path, { force: true })
      writeFileSync(path, content)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** What the checkpoints and the store say; the digests are those of the entries, too. */
async function stored(store: ArtifactStore) {
  await using merged = await mergeCheckpoints(store, job, attempt)
  const entries: Entry[] = []
  for await (const entry of merged?.entries() ?? []) entries.push(entry)
  const found = await storedTree(store, entries)
  for (const entry of entries)
    if (entry.type === 'file') expect(found.get(entry.path ?? '')?.sha256).toBe(entry.sha256)
  return [...found]
}

function pick<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)] as T
}

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
