import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Entry, pathBytes, pathFields } from '../../src/artifact/entry.ts'
import { layout } from '../../src/artifact/layout.ts'
import type { ManifestHead } from '../../src/artifact/manifest.ts'
import { DamagedManifest, encodeFoot, footBytes } from '../../src/artifact/manifest-format.ts'
import { openManifest, readHead } from '../../src/artifact/manifest-reader.ts'
import { writeManifest } from '../../src/artifact/manifest-writer.ts'
import { StoreError } from '../../src/artifact/store.ts'
import { each } from '../support/each.ts'
import { attempt, collect, folderStore, headFor, job, putManifest, recording } from './fixtures.ts'

const key = layout.manifest(job, attempt)

function entry(path: Uint8Array | string, size = 1): Entry {
  return {
    ...pathFields(Buffer.from(path)),
    type: 'file',
    size,
    mode: '0644',
    key: 'k',
    sha256: 'x'.repeat(64),
  }
}

function numbered(count: number): Entry[] {
  return Array.from({ length: count }, (_, i) => entry(`f${String(i).padStart(7, '0')}`, i))
}

async function bytesOf(head: ManifestHead, entries: Iterable<Entry>): Promise<Buffer> {
  return Buffer.concat(await collect(writeManifest(head, each(entries))))
}

async function opened(entries: readonly Entry[]) {
  const store = recording(await folderStore())
  await putManifest(store, entries)
  const manifest = await openManifest(store, key)
  if (manifest === undefined) throw new Error('no manifest')
  return { store, manifest }
}

describe('writeManifest', () => {
  it('ends with a foot of fixed width that tells where the index is and what digest all before it has', async () => {
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

  it('refuses entries that are not sorted or come twice', async () => {
    await expect(bytesOf(headFor([]), [entry('b'), entry('a')])).rejects.toThrow('not sorted')
    await expect(bytesOf(headFor([]), [entry('a'), entry('a')])).rejects.toThrow('not sorted')
  })

  it('refuses another number of entries than its head says', async () => {
    await expect(bytesOf(headFor(numbered(2)), numbered(1))).rejects.toThrow('says 2 entries, 1 came')
  })
})

describe('openManifest', () => {
  it('finds every entry and no other, whatever bytes the paths have', async () => {
    const paths = fc.uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 5 }), {
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

  it('costs one ranged, conditional read for an entry among many', async () => {
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

  it('gives pages that together are what a filter over all entries gives', async () => {
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

  it('streams from a path on', async () => {
    const { manifest } = await opened(numbered(3000))
    const rest = await collect(manifest.entries({ after: Buffer.from('f0002997') }))
    expect(rest.map((e) => e.path)).toEqual(['f0002998', 'f0002999'])
  })

  it('holds no connection open while whoever reads all entries is busy with one', async () => {
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

  it('opens one of no entries', async () => {
    const { manifest } = await opened([])
    expect(await manifest.page({ limit: 10 })).toEqual({ entries: [], more: false })
    expect(await collect(manifest.entries())).toEqual([])
    expect(await manifest.entry(Buffer.from('a'))).toBeUndefined()
  })

  it('notices that it was replaced or removed', async () => {
    const { store, manifest } = await opened(numbered(3))
    await putManifest(store, numbered(4))
    await expect(manifest.entry(Buffer.from('f0000001'))).rejects.toMatchObject({
      kind: 'precondition-failed',
    })
    await store.remove([key])
    await expect(manifest.page({ limit: 1 })).rejects.toMatchObject({ kind: 'not-found' })
  })

  it('gives no entry of a large manifest in which a byte was changed near it, and all others', async () => {
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
  ])('refuses a large manifest whose %s says another number behind %s', async (_, before) => {
    const store = await folderStore()
    const bytes = await bytesOf(headFor(numbered(3000)), numbered(3000))
    const at = bytes.lastIndexOf(before) + before.length + 1
    bytes[at] = bytes[at] === 0x31 ? 0x32 : 0x31
    await store.put(key, bytes)
    await expect(openManifest(store, key)).rejects.toThrow(DamagedManifest)
  })

  it('reads what uploaders wrote before points had digests', async () => {
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

describe('readHead', () => {
  it('asks once and says nothing where there is no manifest', async () => {
    const store = recording(await folderStore())
    expect(await readHead(store, key)).toBeUndefined()
    expect(store.gets).toHaveLength(1)
  })

  it('gives the head of a small manifest with one request, of a large one with two', async () => {
    const store = recording(await folderStore())
    await putManifest(store, numbered(3))
    expect(await readHead(store, key)).toEqual(headFor(numbered(3)))
    expect(store.gets).toHaveLength(1)
    store.gets.length = 0
    await putManifest(store, numbered(3000))
    expect(await readHead(store, key)).toEqual(headFor(numbered(3000)))
    expect(store.gets).toHaveLength(2)
  })

  it.each([
    ['empty', () => Buffer.alloc(0), 'no foot'],
    ['cut short', (whole: Buffer) => whole.subarray(0, -1), 'no foot'],
    ['without its foot', (whole: Buffer) => whole.subarray(0, -footBytes), 'its foot'],
    ['without its beginning', (whole: Buffer) => whole.subarray(10), 'another size'],
    [
      'with a byte changed',
      (whole: Buffer) => {
        const changed = Buffer.from(whole)
        changed.write('X', whole.indexOf('f0000001'))
        return changed
      },
      'SHA-256',
    ],
  ])('names what is wrong with a manifest that is %s', async (_, damage, problem) => {
    const store = await folderStore()
    await store.put(key, damage(await bytesOf(headFor(numbered(3)), numbered(3))))
    const failure = await readHead(store, key).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(DamagedManifest)
    expect(String(failure)).toContain(problem)
    expect(String(failure)).toContain(key)
  })

  it('refuses a manifest of another job, attempt or version', async () => {
    const store = await folderStore()
    await store.put(key, await bytesOf(headFor([], { attempt: 'other' }), []))
    await expect(readHead(store, key)).rejects.toThrow('attempt other')
    await store.put(key, await bytesOf(headFor([], { job: 'other' }), []))
    await expect(readHead(store, key)).rejects.toThrow('of job other')
    await store.put(key, await bytesOf({ ...headFor([]), version: 2 as 1 }, []))
    await expect(readHead(store, key)).rejects.toThrow('version 2')
  })

  it('passes on that the store does not answer', async () => {
    const store = await folderStore()
    const down = { ...store, get: () => Promise.reject(new StoreError('unavailable', 'refused')) }
    await expect(readHead(down, key)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})
