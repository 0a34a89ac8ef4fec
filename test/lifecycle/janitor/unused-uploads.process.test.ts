import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { takeUploads } from '../../../src/lifecycle/deploy/upload-sources.ts'
import { removeUnusedUploads } from '../../../src/lifecycle/janitor/unused-uploads.ts'
import { createUploads } from '../../../src/lifecycle/uploads/uploads.ts'
import { ownerOf, uploadKeys } from '../../../src/result-format/upload-keys.ts'
import { shellRequest } from '../../backends/local/setup.ts'
import { keysOf } from '../../support/store/folder-store.ts'
import { setUp } from './setup.ts'

const later = Date.now() + 3_600_000
const always = () => undefined
const none: ReadonlySet<string> = new Set()

async function uploadsSetUp() {
  const made = await setUp()
  const { store, parts, backend } = made
  const { shelves } = parts
  const uploads = createUploads({ store, shelves, maxBytes: 1000, most: 10 })
  const put = async (name: string, content: string) => {
    return (await uploads.put(null, name, Readable.from([Buffer.from(content)]), always)).upload.content
  }
  const take = (name: string, uuid: string) =>
    takeUploads([{ from: `upload:${name}` }], { store, shelves, uuid, caller: null, most: 8 })
  const contents = async () => (await keysOf(store, uploadKeys.contents)).map((key) => key.slice(-16)).sort()
  const run = async (uuid: string) => {
    await backend.create({ uuid, request: shellRequest('sleep 60'), requestSha256: 'x' })
  }
  return { ...made, uploads, put, take, contents, run }
}

describe('contents of uploads', () => {
  it('that no name has are removed, the others stay', async () => {
    const { parts, uploads, put, contents, told } = await uploadsSetUp()
    await put('a', 'one')
    const kept = await put('a', 'two')
    const dropped = await put('b', 'three')
    await uploads.remove(null, 'b', always)
    const dry = { ...parts, rules: { ...parts.rules, dryRun: true } }
    await removeUnusedUploads(dry, later, none)
    expect(told.splice(0)).toMatchObject([{ kind: 'kept-input', objects: 2, bytes: 8 }])
    expect(await contents()).toHaveLength(3)

    await removeUnusedUploads(parts, later, none)
    expect(told).toMatchObject([{ kind: 'kept-input', objects: 2, bytes: 8 }])
    expect(await contents()).toEqual([kept])
    expect(await put('b', 'three')).not.toBe(dropped)
    expect(await uploads.get(null, 'b')).toMatchObject({ size: 5 })
  })

  it('stay while a live job needs them, and go afterwards with the job’s uses', async () => {
    const { parts, store, backend, uploads, put, take, contents, run } = await uploadsSetUp()
    const uuid = randomUUID()
    const taken = await put('a', 'one')
    await take('a', uuid)
    await run(uuid)
    await uploads.remove(null, 'a', always)
    await removeUnusedUploads(parts, later, none)
    expect(await contents()).toEqual([taken])
    await backend.discard(uuid)
    await removeUnusedUploads(parts, later, none)
    expect(await contents()).toEqual([])
    expect(await keysOf(store, 'uploads/')).toEqual([uploadKeys.shelf(ownerOf(null))])
  })

  it('stay while a deployment may be under way', async () => {
    const { parts, uploads, put, take, contents } = await uploadsSetUp()
    const taken = await put('a', 'one')
    await take('a', randomUUID())
    await uploads.remove(null, 'a', always)
    await removeUnusedUploads(parts, Date.now() - 60_000, none)
    expect(await contents()).toEqual([taken])
  })

  it('that a deployment takes while they are being removed stay, or it takes the next version', async () => {
    const { parts, store, backend, uploads, put, take, contents, run } = await uploadsSetUp()
    const uuid = randomUUID()
    await run(uuid)
    const first = await put('a', 'one')
    await uploads.remove(null, 'a', always)
    // The deployment read the shelf before; its use comes after the janitor looked for uses.
    const { shelves } = parts
    const racing = {
      read: shelves.read,
      change: async (...args: Parameters<typeof shelves.change>) => {
        const changed = await shelves.change(...args)
        if (changed.contents.some(({ removing }) => removing)) {
          await store.put(uploadKeys.use(ownerOf(null), first, Date.now(), uuid), Buffer.alloc(0))
        }
        return changed
      },
    }
    await removeUnusedUploads({ ...parts, shelves: racing }, later, none)
    expect(await contents()).toEqual([first])
    expect((await shelves.read(ownerOf(null))).contents).toMatchObject([{ id: first, removing: true }])

    // The other order: what is marked is not taken any more, and an upload of the same bytes is new.
    const second = await put('a', 'one')
    expect(second).not.toBe(first)
    expect((await take('a', randomUUID())).get('upload:a')).toMatchObject({ content: second })
    await removeUnusedUploads(parts, later, none)
    expect(await contents()).toEqual([first, second].sort())
    await backend.discard(uuid)
    await removeUnusedUploads(parts, later, none)
    expect(await contents()).toEqual([second])
  })

  it('that are named again stay, whatever a janitor removes that stalled while the next one led', async () => {
    const { parts, store, uploads, put, take, run } = await uploadsSetUp()
    const uuid = randomUUID()
    await run(uuid)
    const first = await put('a', 'one')
    await uploads.remove(null, 'a', always)
    const stalled = Object.assign(Object.create(store), {
      async remove(keys: string[]) {
        // The next leader finds a use; then the bytes come again and are taken.
        await store.put(uploadKeys.use(ownerOf(null), first, Date.now(), uuid), Buffer.alloc(0))
        await removeUnusedUploads(parts, later, none)
        await put('a', 'one')
        await store.remove(keys)
      },
    })
    await removeUnusedUploads({ ...parts, store: stalled }, later, none)
    const { owner, content } = await uploads.get(null, 'a')
    expect(await store.head(uploadKeys.content(owner, content))).toBeDefined()
    expect((await take('a', randomUUID())).get('upload:a')).toMatchObject({ content })
  })

  it('stay if the janitor leads no more when it is about to remove', async () => {
    const { parts, uploads, put, contents } = await uploadsSetUp()
    await put('a', 'one')
    await uploads.remove(null, 'a', always)
    let isLeader = true
    const { shelves } = parts
    const change = async (...args: Parameters<typeof shelves.change>) => {
      isLeader = false
      return await shelves.change(...args)
    }
    const leadership = { isLeader: () => isLeader }
    await removeUnusedUploads({ ...parts, leadership, shelves: { ...shelves, change } }, later, none)
    expect(await contents()).toHaveLength(1)
  })

  it('of other callers are removed while one caller’s shelf is damaged, whose contents stay', async () => {
    const { parts, store, uploads, put, contents } = await uploadsSetUp()
    const damaged = '0000000000000000'
    const kept = '0123456789abcdef'
    await store.put(uploadKeys.shelf(damaged), Buffer.from('{'))
    await store.put(uploadKeys.content(damaged, kept), Buffer.from('kept'))
    await put('a', 'one')
    await uploads.remove(null, 'a', always)
    const strays = await removeUnusedUploads(parts, later, new Set([uploadKeys.content(damaged, kept)]))
    expect([...strays]).toEqual([])
    expect(await contents()).toEqual([kept])
  })

  it('of an upload that was cut off go when two sweeps saw them', async () => {
    const { parts, store, put, contents, told } = await uploadsSetUp()
    const kept = await put('a', 'one')
    const stray = uploadKeys.content(ownerOf('nobody'), '0123456789abcdef')
    await store.put(stray, Buffer.from('part'))
    const strays = await removeUnusedUploads(parts, later, none)
    expect([...strays]).toEqual([stray])
    expect(await contents()).toHaveLength(2)
    await removeUnusedUploads(parts, later, strays)
    expect(await contents()).toEqual([kept])
    expect(told).toMatchObject([{ kind: 'kept-input', why: 'its upload was cut off', bytes: 4 }])
  })

  it('stay while the backend may not know of every job', async () => {
    const { parts, uploads, put, contents } = await uploadsSetUp()
    await put('a', 'one')
    await uploads.remove(null, 'a', always)
    const blind = { missing: () => ['Jobs of the cluster can not be watched'] }
    const backend = Object.assign(Object.create(parts.backend), blind)
    await removeUnusedUploads({ ...parts, backend }, later, none)
    expect(await contents()).toHaveLength(1)
  })
})
