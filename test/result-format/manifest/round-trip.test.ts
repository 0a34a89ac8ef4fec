import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCheckpoint } from '../../../src/result-format/checkpoint/checkpoint.ts'
import {
  type Entry,
  pathBytes,
  pathFields,
  targetBytes,
  targetFields,
} from '../../../src/result-format/entry.ts'
import { fileKey, freeKeys } from '../../../src/result-format/file-keys.ts'
import type { CheckpointLine } from '../../../src/result-format/manifest/manifest.ts'
import { openManifest } from '../../../src/result-format/manifest/manifest-reader.ts'
import { each } from '../../support/each.ts'
import { expectSame } from '../../support/expect-same.ts'
import { collect, folderStore, putCheckpoint, putManifest } from '../fixtures.ts'

const nasty = [
  'a',
  'b',
  '.',
  ' ',
  '/',
  '~',
  '\n',
  '\r',
  '\0',
  '\\',
  '"',
  'ü',
  '\uFEFF',
  '\uFFFD',
  '\uFFFF',
  '😀',
]
/** Any bytes: valid text, text with characters risky for stores and JSON, and invalid UTF-8. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: fc.constantFrom(...nasty), maxLength: 8 }).map((text) => Buffer.from(text)),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.alloc(1000, Buffer.from(bytes))),
)
/** A name that a directory can have: others are refused (../hostile-paths.test.ts). */
const filePath = anyBytes.filter((bytes) => {
  const names = bytes.toString('latin1').split('/')
  return !bytes.includes(0) && names.every((name) => !['', '.', '..'].includes(name))
})
const linkTarget = anyBytes.filter((bytes) => !bytes.includes(0))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('a key', () => {
  it('is the path itself or its hash, for any bytes', () => {
    fc.assert(
      fc.property(anyBytes, (path) => {
        const key = fileKey(path)
        const hash = `~${createHash('sha256').update(path).digest('hex')}`
        if (key !== hash) expectSame(hex(Buffer.from(key)), hex(path))
        expectSame(Buffer.byteLength(key) <= 900, true)
      }),
      { numRuns: 3000 },
    )
  })

  it('belongs to one path, like all keys of its later versions', () => {
    const versions = (path: Buffer) => {
      const taken: string[] = []
      for (let version = 0; version < 3; version += 1) taken.push(freeKeys(path, taken).key)
      return taken
    }
    // A path may look like the key of another path.
    const path = anyBytes.chain((bytes) =>
      fc.constantFrom(bytes, ...versions(bytes).map((key) => Buffer.from(key))),
    )
    fc.assert(
      fc.property(path, path, (a, b) => {
        const [ofA, ofB] = [versions(a), versions(b)]
        expectSame(new Set(ofA).size, 3)
        if (hex(a) !== hex(b))
          expectSame(
            ofA.filter((key) => ofB.includes(key)),
            [],
          )
      }),
      { numRuns: 3000 },
    )
  })
})

const details: fc.Arbitrary<Omit<Entry, 'path' | 'path_base64'>> = fc.oneof(
  fc.record({
    type: fc.constant('file' as const),
    size: fc.nat({ max: 2 ** 50 }),
    mode: fc.constantFrom('0644', '4755', '0000'),
    mtime: fc.constantFrom('2025-01-02T03:04:05.123456789Z', '1969-12-31T23:59:59.999999999Z'),
    sha256: fc.constant('0'.repeat(64)),
    key: anyBytes.map(fileKey),
    etag: fc.string(),
  }),
  fc.record({ type: fc.constant('file' as const), size: fc.nat(9), error: fc.string({ unit: 'binary' }) }),
  linkTarget.map((target) => ({ type: 'symlink' as const, ...targetFields(target) })),
  fc.constantFrom({ type: 'directory' as const, mode: '0755' }, { type: 'skipped' as const, error: 'fifo' }),
)
const entry: fc.Arbitrary<Entry> = fc
  .tuple(filePath, details)
  .map(([path, more]) => ({ ...pathFields(path), ...more }))
const pathOf = (one: { path?: string; path_base64?: string }) => hex(pathBytes(one))
const sorted = <T extends { path?: string; path_base64?: string }>(lines: T[]): T[] =>
  lines.toSorted((a, b) => Buffer.compare(pathBytes(a), pathBytes(b)))

describe('any entries', () => {
  it('keep the bytes of their paths and targets, for any bytes', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (path, target) => {
        const line = JSON.stringify({ ...pathFields(path), ...targetFields(target) })
        expectSame(line.includes('\n'), false)
        expectSame(hex(pathBytes(JSON.parse(line))), hex(path))
        expectSame(hex(targetBytes(JSON.parse(line))), hex(target))
      }),
      { numRuns: 3000 },
    )
  })

  it('are read from a manifest: as a stream, by path, and by page of any prefix', async () => {
    const store = await folderStore()
    const sets = fc.uniqueArray(entry, { maxLength: 12, selector: pathOf })
    await fc.assert(
      fc.asyncProperty(
        sets,
        anyBytes,
        anyBytes,
        fc.integer({ min: 1, max: 7 }),
        async (set, cut, after, limit) => {
          const entries = sorted(set)
          const manifest = await openManifest(store, await putManifest(store, entries))
          if (manifest === undefined) throw new Error('no manifest')
          expect(await collect(manifest.entries())).toEqual(entries)
          for (const one of entries) expect(await manifest.entry(pathBytes(one))).toEqual(one)
          const known = new Set(entries.map(pathOf))
          if (!known.has(hex(cut))) expect(await manifest.entry(cut)).toBeUndefined()
          // An entry's prefix always has results; a random one may match nothing.
          const prefix = cut.length % 2 === 0 || !entries[0] ? cut : pathBytes(entries[0]).subarray(0, 2)
          const found = entries.filter(
            (one) => pathOf(one).startsWith(hex(prefix)) && Buffer.compare(pathBytes(one), after) > 0,
          )
          expect(await collect(manifest.entries({ prefix, after }))).toEqual(found)
          expect(await manifest.page({ prefix, after, limit })).toEqual({
            entries: found.slice(0, limit),
            more: found.length > limit,
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('are read from a manifest of several blocks, by path and by page', async () => {
    const store = await folderStore()
    const stems = fc.uniqueArray(filePath, { minLength: 2, maxLength: 4, selector: hex })
    await fc.assert(
      fc.asyncProperty(stems, fc.integer({ min: 0, max: 2999 }), async (names, at) => {
        const all = new Map<string, Entry>()
        for (const [index, name] of [...names, ...names].entries()) {
          for (let number = 0; number < 800; number += 1) {
            const one: Entry = {
              ...pathFields(Buffer.concat([name, Buffer.from(`${index}${number}`)])),
              type: 'file',
            }
            all.set(pathOf(one), one)
          }
        }
        const entries = sorted([...all.values()])
        const manifest = await openManifest(store, await putManifest(store, entries))
        const one = entries[at % entries.length]
        if (manifest === undefined || one === undefined) throw new Error('no manifest')
        expect(await manifest.entry(pathBytes(one))).toEqual(one)
        const place = entries.indexOf(one)
        const page = await manifest.page({ after: pathBytes(one), limit: 1100 })
        expect(page.entries).toEqual(entries.slice(place + 1, place + 1101))
        expect(page.more).toBe(entries.length > place + 1101)
      }),
      { numRuns: 6 },
    )
  })

  it('are read from a checkpoint, including removals', async () => {
    const store = await folderStore()
    const removed = filePath.map((path): CheckpointLine => ({ ...pathFields(path), removed: true }))
    const sets = fc.uniqueArray(fc.oneof(entry, removed), { maxLength: 30, selector: pathOf })
    await fc.assert(
      fc.asyncProperty(sets, async (set) => {
        const lines = sorted(set)
        const checkpoint = await readCheckpoint(store, await putCheckpoint(store, 1, lines))
        expect(await collect(checkpoint?.lines ?? each([]))).toEqual(lines)
      }),
      { numRuns: 150 },
    )
  })
})
