import { mkdir, mkdtemp, readdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { kindOfErrno } from '../../../src/store/folder/folder-errors.ts'
import type { ArtifactStore, StoreErrorKind } from '../../../src/store/store.ts'
import { describeStore, expectKind, keysOf } from '../conformance/store.conformance.ts'

describeStore('a folder', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'folder-store-'))
  return {
    store: createFolderStore(directory),
    dispose: () => rm(directory, { recursive: true }),
  }
})

describe('a folder as a store', () => {
  let directory: string
  let store: ArtifactStore
  beforeEach(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'folder-store-')), 'made', 'on demand')
    store = createFolderStore(directory)
  })
  afterEach(() => rm(join(directory, '..', '..'), { recursive: true }))

  it('is created by prepare() and by the first object', async () => {
    await store.put('a/b', Buffer.from('x'))
    expect(await keysOf(store, '')).toEqual(['a/b'])
    await rm(directory, { recursive: true })
    expect(await keysOf(store, '')).toEqual([])
    expect(await store.head('a/b')).toBeUndefined()
    await store.prepare()
    expect((await readdir(directory)).sort()).toEqual(['.jobferry-store', '.tmp'])
    expect(await keysOf(store, '')).toEqual([])
    await expectKind(store.put('.jobferry-store', Buffer.from('x')), 'invalid')
  })

  it('prunes the folders that a removal empties, during concurrent writes', async () => {
    const other = createFolderStore(directory)
    const keys = Array.from({ length: 200 }, (_, index) => `deep/er/folder/${index}`)
    await Promise.all([
      (async () => {
        for (const key of keys) await store.put(key, Buffer.from(key))
      })(),
      (async () => {
        for (let time = 0; time < 400; time++) await other.remove([`deep/er/folder/${time % 200}x`, 'deep/y'])
      })(),
    ])
    expect(await keysOf(store, 'deep/')).toHaveLength(200)
    await other.remove(keys)
    expect(await readdir(directory)).toEqual(['.tmp'])
  })

  it('neither lists nor opens keys of its own folder .tmp', async () => {
    await store.put('a', Buffer.from('x'))
    const upload = await store.createUpload('b', 8)
    expect(await keysOf(store, '')).toEqual(['a'])
    expect(await keysOf(store, '.tmp/')).toEqual([])
    for (const key of ['.tmp', `.tmp/${upload.id}`]) {
      await expectKind(store.put(key, Buffer.from('x')), 'invalid')
      await expectKind(store.get(key), 'invalid')
      await expectKind(store.remove([key]), 'invalid')
    }
    await expectKind(store.putPart({ ...upload, id: '../a' }, 1, Buffer.from('y')), 'not-found')
    await expectKind(store.completeUpload({ ...upload, id: 'upload-../../a' }, []), 'invalid')
    expect(String(await buffer((await store.get('a')).stream))).toBe('x')
    await store.abortUpload({ key: 'b', id: '../a' }).catch(() => {})
    expect(await store.head('a')).toBeDefined()
  })

  it('neither follows symbolic links nor lists them', async () => {
    await store.put('a/file', Buffer.from('x'))
    await writeFile(join(directory, '..', 'secret'), 'secret')
    await symlink(join(directory, '..', 'secret'), join(directory, 'a', 'link'))
    await symlink(join(directory, '..'), join(directory, 'a', 'up'))
    await expectKind(store.get('a/link'), 'not-found')
    expect(await store.head('a/link')).toBeUndefined()
    expect(await keysOf(store, '')).toEqual(['a/file'])
  })

  it('refuses a key below an object and an object in place of a folder', async () => {
    await store.put('a', Buffer.from('x'))
    await expectKind(store.put('a/b', Buffer.from('x')), 'invalid')
    await store.put('c/d', Buffer.from('x'))
    await expectKind(store.put('c', Buffer.from('x')), 'invalid')
    await expectKind(store.get('a/b'), 'not-found')
    await store.remove(['a/b'])
    expect(await keysOf(store, '')).toEqual(['a', 'c/d'])
    expect(await readdir(join(directory, '.tmp'))).toEqual([])
  })

  it('fails a read if another program truncates the file', async () => {
    await store.put('large', Buffer.alloc(4_000_000))
    const { stream } = await store.get('large')
    await truncate(join(directory, 'large'), 1_000_000)
    await expectKind(buffer(stream), 'unavailable')
  })

  it('changes the ETag of a file with every change from outside', async () => {
    const { etag } = await store.put('object', Buffer.from('first'))
    await store.put('second', Buffer.from('first'))
    expect((await store.head('second'))?.etag).not.toBe(etag)
    await writeFile(join(directory, 'object'), 'other')
    await expectKind(store.get('object', { ifMatch: etag }), 'precondition-failed')
  })

  it('removes the files of interrupted puts, but not of running puts and uploads', async () => {
    await mkdir(join(directory, '.tmp'), { recursive: true })
    const [old, fresh, upload] = ['put-old', 'put-fresh', 'upload-old'].map((name) =>
      join(directory, '.tmp', name),
    )
    for (const path of [old, fresh, upload]) await writeFile(path ?? '', 'x')
    for (const path of [old, upload]) await utimes(path ?? '', 1000, 1000)
    await store.prepare()
    expect((await readdir(join(directory, '.tmp'))).sort()).toEqual(['put-fresh', 'upload-old'])
  })

  it('refuses parts out of order, with gaps or of a wrong size', async () => {
    const upload = await store.createUpload('parts', 4)
    const [one, two] = [
      await store.putPart(upload, 1, Buffer.from('1234')),
      await store.putPart(upload, 2, Buffer.from('56')),
    ]
    await expectKind(store.putPart(upload, 3, Buffer.from('too long')), 'invalid')
    await expectKind(store.putPart(upload, 0, Buffer.from('x')), 'invalid')
    await expectKind(store.completeUpload(upload, [two, one]), 'invalid')
    await expectKind(store.completeUpload(upload, [one, { ...two, number: 3 }]), 'invalid')
    await store.completeUpload(upload, [one])
    expect(String(await buffer((await store.get('parts')).stream))).toBe('1234')
    await expectKind(store.completeUpload(upload, [one, two]), 'not-found')
  })

  it.each<[string, StoreErrorKind]>([
    ['ENOENT', 'not-found'],
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EACCES', 'denied'],
    ['EROFS', 'denied'],
    ['ENAMETOOLONG', 'invalid'],
    ['ENOTDIR', 'invalid'],
    ['EIO', 'unavailable'],
    ['EMFILE', 'unavailable'],
  ])('%s means %s', (code, kind) => {
    expect(kindOfErrno(code)).toBe(kind)
  })
})
