import { randomBytes } from 'node:crypto'
import { linkSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { eventually } from '../../support/time/eventually.ts'
import { keysOf, manifestOf } from '../stored.ts'
import { sorted, storedTree, treeOf } from '../tree.ts'
import { type Attempt, attempt, job, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

const TiB = 2 ** 40
const patient = { within: 60_000, every: 100 }
const error = 'left out: the result would be larger than RESULT_MAX_BYTES, 6000000 bytes'

it.each([
  { layout: 'files', isRescued: false },
  { layout: 'files', isRescued: true },
  { layout: 'packed', isRescued: false },
])(
  'a sparse file counts with its whole size: it is left out, smaller ones are not ($layout, rescued: $isRescued)',
  async ({ layout, isRescued }) => {
    const made = newFolderAttempt({ RESULT_MAX_BYTES: '6000000', RESULT_LAYOUT: layout })
    write(made, 'a', 'before it')
    truncateSync(write(made, 'sparse', ''), TiB)
    write(made, 'z', 'behind it')
    const uploader = await new Uploader(made).ready()
    if (isRescued) {
      await uploader.kill()
      expect(await new Uploader(rescuing(made)).exit()).toBe(0)
    } else expect(await uploader.terminate().exit()).toBe(0)
    const { head, entries } = await manifestOf(made.store)
    expect(head).toMatchObject({ count: 3, errors: 1, bytes: 18 })
    expect(head.limits_reached).toEqual([
      { name: 'RESULT_MAX_BYTES', value: 6_000_000, left_out: 1, first: '"sparse"' },
    ])
    expect(entries[1]).toMatchObject({ path: 'sparse', size: TiB, error })
    expect(entries[1]).not.toHaveProperty('key')
  },
)

it('a file with 21 hard links counts once', async () => {
  const made = newFolderAttempt({ RESULT_MAX_BYTES: '6000000' })
  write(made, 'five', randomBytes(5_000_000))
  for (let link = 0; link < 21; link += 1)
    linkSync(join(made.result, 'five'), join(made.result, `link-${link}`))
  const uploader = await new Uploader(made).ready()
  expect(await uploader.terminate().exit()).toBe(0)
  const { head, entries } = await manifestOf(made.store)
  expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
  expect(head).toMatchObject({ count: 22, errors: 0 })
  expect(head).not.toHaveProperty('limits_reached')
  expect(await objectsOf(made)).toHaveLength(1)
})

it('names beyond RESULT_MAX_ENTRIES are no entries, and the manifest says how many', async () => {
  const made = newFolderAttempt({ RESULT_MAX_ENTRIES: '3' })
  for (const name of ['a', 'b', 'c', 'd', 'e']) write(made, name, name)
  const uploader = await new Uploader(made).ready()
  expect(await uploader.terminate().exit()).toBe(0)
  const { head, entries } = await manifestOf(made.store)
  expect(entries.map(({ path }) => path)).toEqual(['a', 'b', 'c'])
  expect(head).toMatchObject({ count: 3, errors: 0, bytes: 3 })
  expect(head.limits_reached).toEqual([{ name: 'RESULT_MAX_ENTRIES', value: 3, left_out: 2, first: '"d"' }])
})

it('files that come and go while the worker runs store no more than the limit', {
  timeout: 180_000,
}, async () => {
  const made = newFolderAttempt({ RESULT_MAX_BYTES: '2500000', UPLOAD_WHILE_RUNNING: 'true' })
  const uploader = await new Uploader(made).ready()
  for (const name of ['one', 'two']) {
    write(made, name, randomBytes(1_000_000))
    await eventually(
      async () => expect(await objectsOf(made)).toContainEqual(expect.stringContaining(name)),
      patient,
    )
    rmSync(join(made.result, name))
  }
  write(made, 'three', randomBytes(1_000_000))
  // Of a pass that saw `three`, which had settled before.
  await eventually(
    async () => {
      write(made, 'marker', '')
      expect(await objectsOf(made)).toContainEqual(expect.stringContaining('marker'))
    },
    { within: 60_000, every: 3000 },
  )
  expect(await objectsOf(made)).not.toContainEqual(expect.stringContaining('three'))
  expect(await uploader.terminate().exit()).toBe(0)
  // At its end one file is there, and fits.
  const { head, entries } = await manifestOf(made.store)
  expect(head.errors).toBe(0)
  expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
})

function rescuing(made: Attempt): Attempt {
  const state = join(made.root, 'other-state')
  return { ...made, state, environment: { ...made.environment, STATE_DIRECTORY: state, RESCUE: 'true' } }
}

async function objectsOf({ store }: ReturnType<typeof newFolderAttempt>): Promise<string[]> {
  return await keysOf(store, jobKeys.file(job, attempt, ''))
}
