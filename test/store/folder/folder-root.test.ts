import { mkdir, readdir, readFile, rename, rm, rmdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { createStoreHealth } from '../../../src/lifecycle/store-health.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { markerFile } from '../../../src/store/folder/folder-root.ts'
import { isRetryable } from '../../../src/store/retry.ts'
import type { ArtifactStore, MultipartUpload } from '../../../src/store/store.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { expectKind, keysOf } from '../conformance/store.conformance.ts'

const bytes = Buffer.from('x')

let directory: string
let stores: { api: ArtifactStore; uploader: ArtifactStore }
let upload: MultipartUpload
const away = () => `${directory}.away`

beforeEach(async () => {
  directory = join(temporaryFolder(), 'store')
  stores = {
    api: createFolderStore(directory),
    uploader: createFolderStore(directory, { isPrepared: true }),
  }
  await stores.api.prepare()
  await stores.api.put('jobs/one/job.json', bytes)
  upload = await stores.uploader.createUpload('jobs/one/large', 8)
})

interface Removal {
  remove(): Promise<void>
  restore(): Promise<void>
  /** In every message. */
  named: () => string
}

const jobs = () => join(directory, 'jobs')
const removals: [string, Removal][] = [
  [
    'whose disk and mount point are away',
    {
      remove: () => rename(directory, away()),
      restore: () => rename(away(), directory),
      named: () => directory,
    },
  ],
  [
    'whose disk is unmounted, which leaves an empty folder',
    {
      async remove() {
        await rename(directory, away())
        await mkdir(directory)
      },
      async restore() {
        await rmdir(directory)
        await rename(away(), directory)
      },
      named: () => directory,
    },
  ],
  [
    'in whose place is a file',
    {
      async remove() {
        await rename(directory, away())
        await writeFile(directory, 'a file')
      },
      async restore() {
        await unlink(directory)
        await rename(away(), directory)
      },
      named: () => directory,
    },
  ],
  [
    'with a file in place of its folder jobs',
    {
      async remove() {
        await rename(jobs(), away())
        await writeFile(jobs(), 'a file')
      },
      async restore() {
        await unlink(jobs())
        await rename(away(), jobs())
      },
      named: jobs,
    },
  ],
  [
    'whose folder jobs is a link to an unmounted disk',
    {
      async remove() {
        await rename(jobs(), away())
        await symlink(join(directory, '..', 'nowhere'), jobs())
      },
      async restore() {
        await unlink(jobs())
        await rename(away(), jobs())
      },
      named: jobs,
    },
  ],
]

describe.each(removals)('a store %s', (_, { remove, restore, named }) => {
  it.each(['api', 'uploader'] as const)(
    'is unavailable to each call of the %s, and makes nothing; once it is back all is as before',
    async (program) => {
      const store = stores[program]
      await remove()
      const before = await tree()
      const calls: [string, () => Promise<unknown>][] = [
        ['get', () => store.get('jobs/one/job.json')],
        ['get of an absent object', () => store.get('jobs/two/job.json')],
        ['head', () => store.head('jobs/one/job.json')],
        ['list', () => keysOf(store, 'jobs/one/')],
        ['list of jobs', () => keysOf(store, 'jobs/')],
        ['put', () => store.put('jobs/one/new', bytes)],
        ['put of a new job', () => store.put('jobs/two/new', bytes)],
        ['put if absent', () => store.put('jobs/one/new', bytes, undefined, { ifAbsent: true })],
        ['put if it matches', () => store.put('jobs/one/job.json', bytes, undefined, { ifMatch: 'a' })],
        ['remove', () => store.remove(['jobs/one/job.json'])],
      ]
      for (const [call, work] of calls) {
        const error = await work().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        expect(error, call).toMatchObject({ name: 'StoreError', kind: 'unavailable' })
        expect(String(error), call).toContain(named())
        expect(isRetryable(error), call).toBe(true)
      }
      expect(await createStoreHealth(store).missing()).toEqual([expect.stringContaining(named())])
      expect(await tree()).toEqual(before)
      await restore()
      expect(await createStoreHealth(store).missing()).toEqual([])
      expect(await keysOf(store, '')).toEqual(['jobs/one/job.json'])
      expect(await store.head('jobs/one/absent')).toBeUndefined()
      await store.put('jobs/two/new', bytes)
      expect(await keysOf(stores.api, '')).toEqual(['jobs/one/job.json', 'jobs/two/new'])
    },
  )
})

it('keeps the parts of an upload during which its folder was away', async () => {
  const { uploader } = stores
  const first = await uploader.putPart(upload, 1, Buffer.from('12345678'))
  await rename(directory, away())
  await expectKind(uploader.putPart(upload, 2, bytes), 'unavailable')
  await expectKind(uploader.completeUpload(upload, [first]), 'unavailable')
  await expectKind(uploader.abortUpload(upload), 'unavailable')
  await expectKind(uploader.createUpload('jobs/one/other', 8), 'unavailable')
  await rename(away(), directory)
  const second = await uploader.putPart(upload, 2, bytes)
  await uploader.completeUpload(upload, [first, second])
  expect(await readFile(join(directory, 'jobs/one/large'), 'utf8')).toBe('12345678x')
})

it('is unavailable while another store is in its place, until the next start', async () => {
  await rename(directory, away())
  await createFolderStore(directory).prepare()
  await expectKind(stores.api.head('jobs/one/job.json'), 'unavailable')
  const next = createFolderStore(directory)
  await next.prepare()
  expect(await next.head('jobs/one/job.json')).toBeUndefined()
})

it('keeps its marker at each start, and gets one if an earlier version made it', async () => {
  const marker = join(directory, markerFile)
  const id = await readFile(marker, 'utf8')
  expect(id).toMatch(/^[0-9a-f-]{36}\n$/)
  await createFolderStore(directory).prepare()
  expect(await readFile(marker, 'utf8')).toBe(id)
  await rm(marker)
  await expectKind(stores.uploader.head('jobs/two'), 'unavailable')
  const programs = [1, 2, 3].map(() => createFolderStore(directory))
  await Promise.all(programs.map((program) => program.prepare()))
  for (const program of programs) expect(await program.head('jobs/two')).toBeUndefined()
  expect(await keysOf(stores.uploader, '')).toEqual(['jobs/one/job.json'])
})

it('lets one removed folder of objects be absent', async () => {
  await rm(jobs(), { recursive: true })
  expect(await stores.api.head('jobs/one/job.json')).toBeUndefined()
  expect(await keysOf(stores.api, 'jobs/')).toEqual([])
  expect(await createStoreHealth(stores.api).missing()).toEqual([])
})

/** All that is in the store's place now. */
async function tree(): Promise<string[]> {
  return (await readdir(join(directory, '..'), { recursive: true })).sort()
}
