import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { keysOf, manifestOf } from '../stored.ts'
import { sorted, storedTree, treeOf } from '../tree.ts'
import { attempt, job, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

const sizes = { empty: 0, small: 5000, whole: 3_000_000, parts: 20_000_000 }

it.each(['files', 'packed', 'auto'])(
  'a file with many hard links is one object, and each name has its bytes (%s)',
  { timeout: 60_000 },
  async (layout) => {
    const made = newFolderAttempt({ RESULT_LAYOUT: layout, PACK_FROM_COUNT: '10' })
    mkdirSync(join(made.result, 'deep/er'), { recursive: true })
    for (const [name, size] of Object.entries(sizes)) {
      write(made, name, randomBytes(size))
      for (let link = 0; link < 20; link += 1)
        linkSync(
          join(made.result, name),
          join(made.result, link % 2 === 0 ? 'deep/er' : '.', `${name}-${link}`),
        )
    }
    write(made, 'alone', 'one name')
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    const { head, entries } = await manifestOf(made.store)
    expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
    expect(head).toMatchObject({ count: 4 * 21 + 1 + 2, errors: 0, bytes: 21 * 23_005_000 + 8 })
    for (const name of Object.keys(sizes)) {
      const names = entries.filter(({ path = '' }) => path.includes(name))
      expect(names).toHaveLength(21)
      expect(new Set(names.map(({ key, offset }) => `${key} ${offset}`)).size).toBe(1)
    }
    expect(await bytesOf(made)).toBeLessThan(23_005_000 + 100_000)
  },
)

async function bytesOf({ store }: ReturnType<typeof newFolderAttempt>): Promise<number> {
  const keys = await keysOf(store, jobKeys.file(job, attempt, ''))
  const heads = await Promise.all(keys.map((key) => store.head(key)))
  return heads.reduce((sum, head) => sum + (head?.size ?? 0), 0)
}
