import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Entry, pathBytes } from '../../../src/result-format/entry.ts'
import {
  DamagedManifest,
  encodeFoot,
  footBytes,
} from '../../../src/result-format/manifest/manifest-format.ts'
import { openManifest } from '../../../src/result-format/manifest/manifest-reader.ts'
import { each } from '../../support/each.ts'
import { collect, folderStore, headFor, putManifest, recording } from '../fixtures.ts'
import { bytesOf, entry, key, numbered } from './manifest-entries.ts'

async function opened(entries: readonly Entry[]) {
  const store = recording(await folderStore())
  await putManifest(store, entries)
  const manifest = await openManifest(store, key)
  if (manifest === undefined) throw new Error('no manifest')
  return { store, manifest }
}

describe('writeManifest', () => {
  it('ends with a foot of fixed width, with the offset of the index and the digest of all bytes before', async () => {
    const entries = numbered(2500)
    const bytes = await bytesOf(headFor(entries), entries)
    const lines = bytes.toString().trimEnd().split('\n')
    expect(lines).toHaveLength(1 + 2500 + 3 + 1)
    const foot = JSON.parse(bytes.subarray(-footBytes).toString())
    const before = bytes.subarray(0, -footBytes)
    expect(foot.sha256).toBe(createHash('sha256').update(before).digest('hex'))
    const index = before.subarray(foot.index_offset, foot.index_offset + foot.index_length)
    const points = index
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(points.map((point) => point.index)).toEqual([0, 1000, 2000])
    for (const { offset, path } of points) {
      const end = bytes.indexOf('\n', offset)
      expect(JSON.parse(bytes.subarray(offset, end).toString()).path).toBe(path)
    }
  })

  it('refuses unsorted and duplicate entries', async () => {
    await expect(bytesOf(headFor([]), [entry('b'), entry('a')])).rejects.toThrow('not sorted')
    await expect(bytesOf(headFor([]), [entry('a'), entry('a')])).rejects.toThrow('not sorted')
  })

  it("refuses a number of entries other than its head's", async () => {
    await expect(bytesOf(headFor(numbered(2)), numbered(1))).rejects.toThrow(
      'counts 2 entries, but 1 were written',
    )
  })
})

describe('openManifest', () => {
  it('finds every entry and no other, with any bytes in the paths', async () => {
    // Without NUL and slash; what else is refused is in ../hostile-paths.test.ts.
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 5 })
      .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f))
      .filter((bytes) => !['.', '..'].includes(Buffer.from(bytes).toString()))
    const paths = fc.uniqueArray(name, {
      minLength: 1,
      selector: (bytes) => Buffer.from(bytes).toString('hex'),
    })
    const store = await folderStore()
    await fc.assert(
      fc.asyncProperty(paths, async (names) => {
        const entries = names
          .map((name) => entry(name))
          .sort((a, b) => Buffer.compare(pathBytes(a), pathBytes(b)))
        await putManifest(store, entries)
        const manifest = await openManifest(store, key)
        expect(await collect(manifest?.entries() ?? each([]))).toEqual(entries)
        for (const one of entries) expect(await manifest?.entry(pathBytes(one))).toEqual(one)
        expect(await manifest?.entry(Buffer.from('not there'))).toBeUndefined()
      }),
      { numRuns: 30 },
    )
  })

  it('needs one ranged, conditional read for an entry among many', async () => {
    const { store, manifest } = await opened(numbered(5000))
    for (const i of [0, 999, 1000, 1001, 4999]) {
      store.gets.length = 0
      expect(await manifest.entry(Buffer.from(`f${String(i).padStart(7, '0')}`))).toMatchObject({ size: i })
      expect(store.gets).toEqual([expect.stringMatching(/ \d+\+\d+ if-match$/)])
    }
    expect(await manifest.entry(Buffer.from('a'))).toBeUndefined()
    expect(await manifest.entry(Buffer.from('f0001000x'))).toBeUndefined()
    expect(await manifest.entry(Buffer.from('z'))).toBeUndefined()
  })

  it('gives pages that together equal a filter over all entries', async () => {
    const entries = ['a', 'b', 'c'].flatMap((folder) =>
      Array.from({ length: 1500 }, (_, i) => entry(`${folder}/${String(i).padStart(5, '0')}`)),
    )
    const { store, manifest } = await opened(entries)
    for (const [prefix, limit] of [
      ['', 1000],
      ['', 999],
      ['b/', 700],
      ['b/0', 10_000],
      ['c', 1500],
      ['d', 10],
      ['A', 10],
    ] as const) {
      const found: Entry[] = []
      let after: Buffer | undefined
      for (let more = true; more; ) {
        store.gets.length = 0
        const page = await manifest.page({ prefix: Buffer.from(prefix), limit, ...(after && { after }) })
        expect(store.gets.length).toBeLessThanOrEqual(1)
        found.push(...page.entries)
        const last = page.entries.at(-1)
        if (last !== undefined) after = pathBytes(last)
        more = page.more
      }
      expect(found).toEqual(entries.filter((e) => e.path?.startsWith(prefix)))
    }
  })

  it('streams the entries after a path', async () => {
    const { manifest } = await opened(numbered(3000))
    const rest = await collect(manifest.entries({ after: Buffer.from('f0002997') }))
    expect(rest.map((e) => e.path)).toEqual(['f0002998', 'f0002999'])
  })

  it('holds no connection open while the reader of all entries processes one', async () => {
    const { store, manifest } = await opened(numbered(30_000))
    store.gets.length = 0
    const entries = manifest.entries()[Symbol.asyncIterator]()
    await entries.next()
    expect(store.gets).toEqual([expect.stringMatching(/ \d+\+\d+ if-match$/)])
    await entries.return?.()
    expect(await collect(manifest.entries())).toEqual(numbered(30_000))
    const from = await collect(
      manifest.entries({ after: Buffer.from('f0000100'), prefix: Buffer.from('f0') }),
    )
    expect(from).toEqual(numbered(30_000).slice(101))
  })

  it('opens a manifest without entries', async () => {
    const { manifest } = await opened([])
    expect(await manifest.page({ limit: 10 })).toEqual({ entries: [], more: false })
    expect(await collect(manifest.entries())).toEqual([])
    expect(await manifest.entry(Buffer.from('a'))).toBeUndefined()
  })

  it('rejects reads after the manifest was replaced or removed', async () => {
    const { store, manifest } = await opened(numbered(3))
    await putManifest(store, numbered(4))
    await expect(manifest.entry(Buffer.from('f0000001'))).rejects.toMatchObject({
      kind: 'precondition-failed',
    })
    await store.remove([key])
    await expect(manifest.page({ limit: 1 })).rejects.toMatchObject({ kind: 'not-found' })
  })

  it('refuses the entries of a block with a changed byte, and gives all others', async () => {
    const store = await folderStore()
    const bytes = await bytesOf(headFor(numbered(3000)), numbered(3000))
    bytes.write('9', bytes.indexOf('f0001500') + 100)
    await store.put(key, bytes)
    const manifest = await openManifest(store, key)
    if (manifest === undefined) throw new Error('no manifest')
    const pathOf = (number: number) => Buffer.from(`f000${number}`)
    for (const read of [
      () => collect(manifest.entries()),
      () => manifest.entry(pathOf(1000)),
      () => manifest.page({ after: pathOf(1998), limit: 1 }),
      () => manifest.page({ limit: 1500 }),
    ]) {
      await expect(read()).rejects.toThrow(DamagedManifest)
    }
    expect(await manifest.entry(Buffer.from('f0000999'))).toMatchObject({ size: 999 })
    expect(await manifest.entry(pathOf(2000))).toMatchObject({ size: 2000 })
  })

  it.each([
    ['head', '"bytes":'],
    ['index', '"offset":'],
    ['foot', '"index_offset":'],
    ['foot', '"ends_sha256":"'],
  ])('refuses a large manifest whose %s has another value after %s', async (_, before) => {
    const store = await folderStore()
    const bytes = await bytesOf(headFor(numbered(3000)), numbered(3000))
    const at = bytes.lastIndexOf(before) + before.length + 1
    bytes[at] = bytes[at] === 0x31 ? 0x32 : 0x31
    await store.put(key, bytes)
    await expect(openManifest(store, key)).rejects.toThrow(DamagedManifest)
  })

  it('reads the manifest of an older uploader, whose index points have no digests', async () => {
    const store = await folderStore()
    const text = (await bytesOf(headFor(numbered(2)), numbered(2))).toString()
    const [head = '', first = '', second = '', point = ''] = text.split('\n').map((line) => `${line}\n`)
    const index = `${JSON.stringify({ ...JSON.parse(point), sha256: undefined })}\n`
    const before = head + first + second
    const whole = before + index
    const sha256 = createHash('sha256').update(whole).digest('hex')
    const foot = { index_offset: before.length, index_length: index.length, sha256 }
    await store.put(key, Buffer.concat([Buffer.from(whole), encodeFoot(foot)]))
    const manifest = await openManifest(store, key)
    expect(await collect(manifest?.entries() ?? each([]))).toEqual(numbered(2))
    await store.put(key, Buffer.concat([Buffer.from(whole), encodeFoot({ ...foot, ends_sha256: sha256 })]))
    await expect(openManifest(store, key)).rejects.toThrow(DamagedManifest)
  })
})
