import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { createShelves } from '../../../src/lifecycle/uploads/shelves.ts'
import { createUploads } from '../../../src/lifecycle/uploads/uploads.ts'
import { ownerOf, uploadKeys } from '../../../src/result-format/upload-keys.ts'
import { StoreError } from '../../../src/store/store.ts'
import { folderStore, keysOf } from '../../support/store/folder-store.ts'

const always = () => undefined

async function setUp({ maxBytes = 1000, most = 3 } = {}) {
  const store = await folderStore()
  const shelves = createShelves(store)
  const uploads = createUploads({ store, shelves, maxBytes, most })
  const put = (name: string, content: string, caller: string | null = null) =>
    uploads.put(caller, name, Readable.from([Buffer.from(content)]), always)
  const contents = () => keysOf(store, uploadKeys.contents)
  return { store, shelves, uploads, put, contents }
}

it('keeps bytes under a name, with size and SHA-256', async () => {
  const { store, uploads, put } = await setUp()
  const facts = { name: 'a b.ü', size: 3, sha256: createHash('sha256').update('one').digest('hex') }
  expect(await put('a b.ü', 'one')).toMatchObject({ isNew: true, upload: facts })
  const upload = await uploads.get(null, 'a b.ü')
  expect(upload).toMatchObject(facts)
  const { stream } = await store.get(uploadKeys.content(upload.owner, upload.content))
  expect(String(await buffer(stream))).toBe('one')
})

it('replaces the content of a name, and says that it is not new', async () => {
  const { uploads, put } = await setUp()
  await put('a', 'one')
  expect((await put('a', 'two')).isNew).toBe(false)
  expect((await uploads.get(null, 'a')).size).toBe(3)
  expect((await uploads.list(null, { limit: 10 })).uploads).toHaveLength(1)
})

it('stores the same bytes once, under however many names', async () => {
  const { uploads, put, contents } = await setUp()
  for (const name of ['a', 'b', 'a']) await put(name, 'same')
  expect(await contents()).toHaveLength(1)
  expect((await uploads.get(null, 'a')).content).toBe((await uploads.get(null, 'b')).content)
})

it('keeps the uploads of each caller apart', async () => {
  const { uploads, put, contents } = await setUp()
  for (const caller of ['alice', 'bob', null]) await put('a', 'same', caller)
  expect(await contents()).toHaveLength(3)
  await uploads.remove('bob', 'a', always)
  await expect(uploads.get('bob', 'a')).rejects.toMatchObject({ code: 'not-found' })
  expect(await uploads.get('alice', 'a')).toMatchObject({ owner: ownerOf('alice') })
})

it('lists names in the order of their bytes, page by page', async () => {
  const { uploads, put } = await setUp()
  for (const name of ['b', 'ü', 'a']) await put(name, name)
  const names = async (page: { limit: number; after?: string }) => {
    const { uploads: found, more } = await uploads.list(null, page)
    return [...found.map(({ name }) => name), more]
  }
  expect(await names({ limit: 2 })).toEqual(['a', 'b', true])
  expect(await names({ limit: 2, after: 'b' })).toEqual(['ü', false])
})

it('takes no more names than a caller may keep, but replaces those that are there', async () => {
  const { put, contents } = await setUp()
  for (const name of ['a', 'b', 'c']) await put(name, name)
  await expect(put('d', 'd')).rejects.toMatchObject({ code: 'too-many-uploads' })
  await put('c', 'other')
  expect(await contents()).toHaveLength(4)
})

it('all of many that come at the same moment are kept', async () => {
  const { uploads, put } = await setUp({ most: 20 })
  const names = Array.from({ length: 20 }, (_, n) => `n${n}`)
  await Promise.all(names.map((name) => put(name, name)))
  expect((await uploads.list(null, { limit: 100 })).uploads).toHaveLength(20)
})

it('leaves nothing of an upload that is too large, cut short, or whose condition fails', async () => {
  const { store, uploads } = await setUp()
  const large = Readable.from([randomBytes(600), randomBytes(600)])
  await expect(uploads.put(null, 'a', large, always)).rejects.toMatchObject({ code: 'too-large' })
  const cut = new Readable({
    read() {
      this.push('begin')
      this.destroy(new Error('cut'))
    },
  })
  await expect(uploads.put(null, 'a', cut, always)).rejects.toMatchObject({ code: 'invalid-request' })
  let calls = 0
  const late = () => {
    calls += 1
    if (calls > 1) throw new Error('another was faster')
  }
  await expect(uploads.put(null, 'a', Readable.from(['x']), late)).rejects.toThrow('another was faster')
  for (const prefix of ['uploads/', 'jobs/']) expect(await keysOf(store, prefix)).toEqual([])
})

it('takes a name whose content the shelf has not as gone, and goes on with the others', async () => {
  const { shelves, uploads, put } = await setUp()
  const { upload } = await put('a', 'one')
  await put('b', 'two')
  await shelves.change(ownerOf(null), ({ contents, ...shelf }) => ({
    ...shelf,
    contents: contents.filter(({ id }) => id !== upload.content),
  }))
  await expect(uploads.get(null, 'a')).rejects.toMatchObject({ code: 'not-found' })
  expect((await uploads.list(null, { limit: 10 })).uploads).toMatchObject([{ name: 'b' }])
  expect(await put('a', 'one')).toMatchObject({ isNew: true })
})

it('keeps an upload whose write to the shelf came again, as its answer was lost', async () => {
  const { store } = await setUp()
  let isLost = true
  const losing = Object.assign(Object.create(store), {
    async put(...args: Parameters<typeof store.put>) {
      const stored = await store.put(...args)
      if (args[0] !== uploadKeys.shelf(ownerOf(null)) || !isLost) return stored
      isLost = false
      throw new StoreError('precondition-failed', 'the repeated write met the first one')
    },
  })
  const uploads = createUploads({ store: losing, shelves: createShelves(losing), maxBytes: 1000, most: 3 })
  const onlyNew = (there: unknown) => {
    if (there !== undefined) throw new Error('it is there')
  }
  const { upload, isNew } = await uploads.put(null, 'a', Readable.from(['one']), onlyNew)
  expect(isNew).toBe(true)
  expect(await keysOf(store, uploadKeys.contents)).toEqual([
    uploadKeys.content(ownerOf(null), upload.content),
  ])
})

it('stores bytes anew whose object was removed or changed, for each name that had it', async () => {
  const { store, uploads, put } = await setUp()
  const key = async () => uploadKeys.content(ownerOf(null), (await uploads.get(null, 'a')).content)
  await put('a', 'one')
  for (const damage of [
    (at: string) => store.remove([at]),
    (at: string) => store.put(at, Buffer.from('x')),
  ]) {
    await damage(await key())
    await put('b', 'one')
    expect(String(await buffer((await store.get(await key())).stream))).toBe('one')
    expect((await uploads.get(null, 'a')).content).toBe((await uploads.get(null, 'b')).content)
  }
})
