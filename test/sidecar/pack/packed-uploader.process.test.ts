import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readdirSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { keysOf, manifestOf, objectOf } from '../stored.ts'
import { expectAllStored, treeOf } from '../tree.ts'
import { attempt, job, newFolderAttempt, Uploader, write, writeMany } from '../uploader-process.ts'

const packed = { RESULT_LAYOUT: 'packed', PACK_FILE_BYTES: '100000' }

const oddNames = [
  'new\nline',
  ' ',
  '100%',
  '~tilde',
  'back\\slash',
  '\xff\xfe not UTF-8',
  '\x01control',
  'x'.repeat(255),
  '\xc3\xa9'.repeat(127),
  'a',
  'a.txt',
  '-rf',
]

/** Packs, unpacked by the system's own tar one after the other. */
async function unpacked(made: ReturnType<typeof newFolderAttempt>): Promise<string> {
  const target = join(made.root, 'unpacked')
  mkdirSync(target)
  for (const key of await packsOf(made)) {
    execFileSync('tar', ['-xpf', '-', '-C', target], { input: await objectOf(made.store, key) })
  }
  return target
}

async function packsOf({ store }: ReturnType<typeof newFolderAttempt>): Promise<string[]> {
  return keysOf(store, jobKeys.file(job, attempt, '~packs/'))
}

describe('packed results', () => {
  it('hold any tree byte for byte; tar unpacks what was packed; larger files have objects of their own', async () => {
    const made = newFolderAttempt(packed)
    mkdirSync(join(made.result, 'deep/er/est'), { recursive: true })
    for (const [index, name] of oddNames.entries()) {
      const path = write(made, `deep/er/est/${name}`, `content of ${index}`)
      chmodSync(path, [0o600, 0o644, 0o755][index % 3] ?? 0)
      utimesSync(path, new Date(), new Date(1e12 + index * 1000))
    }
    write(made, 'empty', '')
    utimesSync(write(made, 'old', 'before 1970'), new Date(), new Date(-5000))
    write(made, 'the largest that is small', randomBytes(100_000))
    write(made, 'a byte more', randomBytes(100_001))
    write(made, 'a block', randomBytes(512))
    linkSync(join(made.result, 'a block'), join(made.result, 'hard link'))
    symlinkSync('../outside\n', join(made.result, 'link'))
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)

    await expectAllStored(made)
    const { head, entries } = await manifestOf(made.store)
    expect(head.errors).toBe(0)
    const objects = (await keysOf(made.store, jobKeys.file(job, attempt, ''))).map(
      (key) => key.split('/files/')[1],
    )
    expect(objects).toEqual([
      'a byte more',
      expect.stringMatching(/^~packs\/\d{13}-[0-9a-f]{8}-000001\.tar$/),
    ])
    const small = entries.filter(({ type, size = 0 }) => type === 'file' && size <= 100_000)
    expect(new Set(small.map(({ key }) => key))).toEqual(new Set([objects[1]]))
    const before = treeOf(made.result)
    const after = treeOf(await unpacked(made))
    for (const [path, facts] of before) {
      // A further name of a file is in the manifest alone.
      if (facts.type !== 'file' || path === 'a byte more' || path === 'hard link') continue
      const { mtime, ...same } = facts
      expect(after.get(path)).toMatchObject(same)
      expect(String(after.get(path)?.mtime).slice(0, 19)).toBe(String(mtime).slice(0, 19))
    }
  })

  it('have as many packs as they need, none above 4 MiB, beside large files', async () => {
    const made = newFolderAttempt(packed)
    writeMany(made, 3000, 1000)
    for (let index = 0; index < 200; index += 1) write(made, `d5/z${index}`, randomBytes(90_000))
    for (let index = 0; index < 8; index += 1) write(made, `d${index}/large`, randomBytes(300_000))
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
    const sizes: number[] = []
    for await (const { key, size } of made.store.list(jobKeys.file(job, attempt, '~packs/'))) {
      sizes.push(size)
      const names = execFileSync('tar', ['-tf', '-'], { input: await objectOf(made.store, key) })
      expect(names.toString().trimEnd().split('\n').length).toBeLessThanOrEqual(1024)
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4 * 1024 * 1024)
    expect(sizes.length).toBeLessThan(12)
  })

  it.each([
    [500, 'files'],
    [501, 'packed'],
  ])('with `auto` %d small files lie as %s', async (count, kind) => {
    const made = newFolderAttempt({ RESULT_LAYOUT: 'auto' })
    writeMany(made, count, 10)
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    await expectAllStored(made)
    expect(
      readdirSync(join(made.environment.STORE_DIRECTORY ?? '', jobKeys.file(job, attempt, ''))),
    ).toHaveLength(kind === 'packed' ? 1 : 10)
  })
})
