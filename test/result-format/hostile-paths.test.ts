import { join, normalize } from 'node:path/posix'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  commitCheckpoints,
  DamagedCheckpoint,
  readCheckpoint,
} from '../../src/result-format/checkpoint/checkpoint.ts'
import { type Entry, pathBytes, pathFields } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { DamagedManifest, decodeEntry } from '../../src/result-format/manifest/manifest-format.ts'
import { openManifest } from '../../src/result-format/manifest/manifest-reader.ts'
import { writeManifest } from '../../src/result-format/manifest/manifest-writer.ts'
import { PathSequence } from '../../src/result-format/path-sequence.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { each } from '../support/each.ts'
import { expectSame } from '../support/expect-same.ts'
import { attempt, collect, folderStore, headFor, job, putCheckpoint, putManifest } from './fixtures.ts'

/* A manifest that was forged by whoever can write into the bucket. */

const file = (path: string): Entry => ({ path, type: 'file', size: 1, key: 'k', sha256: 'x', etag: 'e' })
const key = jobKeys.manifest(job, attempt)

const hostile: [string, string][] = [
  ['../../evil', 'has the component ".."'],
  ['a/../b', 'has the component ".."'],
  ['a/..', 'has the component ".."'],
  ['./a', 'has the component "."'],
  ['/etc/x', 'is absolute'],
  ['/', 'is absolute'],
  ['', 'is empty'],
  ['a//b', 'has an empty component'],
  ['a/', 'has an empty component'],
  ['a\0b', 'has a NUL'],
]

describe.each(hostile)('an entry with the path %j', (path, problem) => {
  const { path: _, ...nameless } = file('')
  const forms: Entry[] = [file(path), { ...nameless, path_base64: Buffer.from(path).toString('base64') }]

  it('makes its manifest damaged for every reader', async () => {
    const store = await folderStore()
    for (const entry of forms) {
      await putManifest(store, [entry])
      const manifest = await openManifest(store, key)
      const reads = [
        () => manifest?.entry(pathBytes(entry)),
        () => manifest?.page({ limit: 10 }),
        () => collect(manifest?.entries() ?? each([])),
      ]
      for (const read of reads) await expect(read()).rejects.toThrow(DamagedManifest)
      await expect(reads[2]?.()).rejects.toThrow(
        `${key} is damaged: the path ${JSON.stringify(path)} ${problem}`,
      )
    }
  })

  it('makes its checkpoint damaged, also as a removal, and none of it becomes a result', async () => {
    const store = await folderStore()
    await putCheckpoint(store, 1, [file('good')])
    for (const line of [...forms, { path, removed: true as const }]) {
      const checkpoint = await putCheckpoint(store, 2, [line])
      const read = async () => collect((await readCheckpoint(store, checkpoint))?.lines ?? each([]))
      await expect(read()).rejects.toThrow(DamagedCheckpoint)
    }
    expect(await commitCheckpoints(store, job, attempt)).toMatchObject({ checkpoint: 1, count: 1 })
  })

  it('is refused as the key of an object, too', () => {
    const decoding = () => decodeEntry(key, JSON.stringify({ ...file('good'), key: path }))
    expect(decoding).toThrow(`the key ${JSON.stringify(path)} ${problem}`)
  })
})

it('a link with a NUL in its target is damaged, one that leads anywhere else is kept as text', () => {
  const link = (target: string) =>
    decodeEntry(key, JSON.stringify({ path: 'a', type: 'symlink', mode: '0777', target }))
  expect(() => link('a\0b')).toThrow('the target "a\\u0000b" has a NUL')
  for (const target of ['/etc/passwd', '../../x', '', 'a//b']) expect(link(target).target).toBe(target)
})

it('a path with a lone surrogate, which has no bytes of its own, is damaged', () => {
  const line = '{"type":"file","path":"\\ud800"}'
  expect(() => decodeEntry(key, line)).toThrow('is no valid Unicode')
})

it('every path that is read stays below the folder in which it is unpacked', () => {
  const component = fc.constantFrom('..', '.', '', 'a', '...', '..a', 'b.', '~', '\0', 'ü', ' ')
  const path = fc.array(component, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'))
  fc.assert(
    fc.property(path, fc.boolean(), (text, inBase64) => {
      const name = inBase64 ? { path_base64: Buffer.from(text).toString('base64') } : { path: text }
      const read = readOrRefused(JSON.stringify({ type: 'file', ...name }))
      const isSound =
        /^[^/\0]+(\/[^/\0]+)*$/.test(text) && !text.split('/').some((one) => /^\.{1,2}$/.test(one))
      expectSame(read !== undefined, isSound)
      if (read === undefined) return
      const where = join('/unpacked', pathBytes(read).toString())
      expectSame(where, normalize(where))
      expectSame(where.startsWith('/unpacked/'), true)
    }),
    { numRuns: 5000 },
  )
})

it('a manifest with a path that comes twice, or out of order, is damaged', async () => {
  const store = await folderStore()
  for (const paths of [
    ['a', 'a'],
    ['b', 'a'],
  ]) {
    await putForged(store, paths)
    const manifest = await openManifest(store, key)
    await expect(collect(manifest?.entries() ?? each([]))).rejects.toThrow('comes twice or out of order')
    await expect(manifest?.page({ limit: 10 })).rejects.toThrow('comes twice or out of order')
  }
})

it('a path lies below a leaf where one of its parents is no directory, whatever is sorted between', () => {
  const name = fc.constantFrom('a', 'a-', 'a.', 'b', 'ü', '\x80')
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
  const entry = fc.record({ path, isLeaf: fc.boolean() })
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ({ path: one }) => one, maxLength: 12 }), (all) => {
      const sorted = all
        .map(({ path: text, isLeaf }): Entry & { text: string } => {
          const type = isLeaf ? 'symlink' : 'directory'
          return { ...pathFields(Buffer.from(text, 'latin1')), type, text }
        })
        .sort((one, other) => Buffer.compare(pathBytes(one), pathBytes(other)))
      const sequence = new PathSequence()
      for (const { text, ...one } of sorted) {
        const expected = sorted.some((other) => other.type === 'symlink' && text.startsWith(`${other.text}/`))
        expectSame(sequence.next(one), { isAscending: true, isBelowLeaf: expected })
      }
    }),
    { numRuns: 2000 },
  )
})

it('checkpoints in whose middle a link took the place of a folder make no path below that link', async () => {
  const store = await folderStore()
  await putCheckpoint(store, 1, [{ path: 'd', type: 'directory' }, file('d.txt'), file('d/x'), file('e')])
  await putCheckpoint(store, 2, [{ path: 'd', type: 'symlink', target: '/etc' }])
  expect(await commitCheckpoints(store, job, attempt)).toMatchObject({ count: 3 })
  const manifest = await openManifest(store, key)
  const paths = (await collect(manifest?.entries() ?? each([]))).map(({ path }) => path)
  expect(paths).toEqual(['d', 'd.txt', 'e'])
})

function readOrRefused(line: string): Entry | undefined {
  try {
    return decodeEntry(key, line)
  } catch (error) {
    if (!(error instanceof DamagedManifest)) throw error
    return undefined
  }
}

/** A manifest with sound digests and these paths in this order, which writeManifest() refuses. */
async function putForged(store: ArtifactStore, paths: readonly string[]): Promise<void> {
  const entries = paths.map(file)
  // Its order is checked by the path alone: the forger's paths come from a getter.
  let given = -1
  const sorted = entries.map((entry, index) => ({
    ...entry,
    toJSON: () => ({ ...entry, path: paths[index] }),
    path: `sorted-${++given}`,
  }))
  await store.put(key, Buffer.concat(await collect(writeManifest(headFor(entries), each(sorted)))))
}
