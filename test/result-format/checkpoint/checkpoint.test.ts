import { readdir } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  commitCheckpoints,
  DamagedCheckpoint,
  mergeCheckpoints,
  openUploads,
  readCheckpoint,
  writeCheckpoint,
} from '../../../src/result-format/checkpoint/checkpoint.ts'
import { type Entry, pathBytes } from '../../../src/result-format/entry.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import type { CheckpointLine } from '../../../src/result-format/manifest/manifest.ts'
import { openManifest, readHead } from '../../../src/result-format/manifest/manifest-reader.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { each } from '../../support/each.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { attempt, collect, folderStore, headFor, job, putCheckpoint, putManifest } from '../fixtures.ts'

const file = (path: string, size = 1): Entry => ({ path, type: 'file', size, key: path })
const removed = (path: string): CheckpointLine => ({ path, removed: true })

async function merged(store: ArtifactStore): Promise<Entry[] | undefined> {
  await using result = await mergeCheckpoints(store, job, attempt)
  return result && (await collect(result.entries()))
}

async function truncate(store: ArtifactStore, key: string, bytes: number): Promise<void> {
  const whole = Buffer.concat(await (await store.get(key)).stream.toArray())
  await store.put(key, whole.subarray(0, whole.length - bytes))
}

describe('a checkpoint', () => {
  it('is read as it was written', async () => {
    const store = await folderStore()
    const lines = [
      file('a'),
      removed('b'),
      ...Array.from({ length: 3000 }, (_, i) => file(`c${String(i).padStart(4, '0')}`)),
    ]
    const key = await putCheckpoint(store, 1, lines, { uploads: [{ key: 'k', id: 'i' }] })
    const checkpoint = await readCheckpoint(store, key)
    expect(checkpoint?.head).toMatchObject({ number: 1, uploads: [{ key: 'k', id: 'i' }] })
    expect(await collect(checkpoint?.lines ?? each([]))).toEqual(lines)
  })

  it('may have no lines, and is undefined if absent', async () => {
    const store = await folderStore()
    const checkpoint = await readCheckpoint(store, await putCheckpoint(store, 1, []))
    expect(await collect(checkpoint?.lines ?? each([file('x')]))).toEqual([])
    expect(await readCheckpoint(store, jobKeys.checkpoint(job, attempt, 2))).toBeUndefined()
  })

  it('refuses lines that are not sorted', async () => {
    const head = { version: 1, job, attempt, number: 1, scan_started_at: '', uploads: [] } as const
    const lines = each([file('b'), file('a')])
    await expect(collect(writeCheckpoint({ ...head, uploads: [] }, lines))).rejects.toThrow('not sorted')
  })

  it('is damaged if truncated at any byte', async () => {
    const store = await folderStore()
    const lines = [file('a'), file('b'), file('c')]
    const key = await putCheckpoint(store, 1, lines)
    const whole = await buffer((await store.get(key)).stream)
    for (let bytes = 1; bytes <= whole.length; bytes += 1) {
      await store.put(key, whole.subarray(0, -bytes))
      const reading = async () => collect((await readCheckpoint(store, key))?.lines ?? each([]))
      await expect(reading(), `${bytes} bytes cut off`).rejects.toThrow(DamagedCheckpoint)
    }
  })
})

describe('mergeCheckpoints', () => {
  it('lets later lines override earlier ones, and removals remove entries', async () => {
    const store = await folderStore()
    await putCheckpoint(store, 1, [file('a', 1), file('b', 1), file('c', 1)])
    await putCheckpoint(store, 2, [file('a', 2), removed('b'), file('d', 2)])
    await putCheckpoint(store, 3, [file('b', 3), removed('d')])
    expect(await merged(store)).toEqual([file('a', 2), file('b', 3), file('c', 1)])
  })

  it('gives undefined without checkpoints', async () => {
    expect(await merged(await folderStore())).toBeUndefined()
  })

  it('merges many checkpoints like a map, and leaves no temporary file', async () => {
    const name = fc.constantFrom('a', 'a/b', 'a.b', 'b', '\uFFFD', '😀', 'z')
    const step = fc.dictionary(name, fc.option(fc.nat(9)), { maxKeys: 4 })
    const store = await folderStore()
    const directory = temporaryFolder()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
        const keys: string[] = []
        const state = new Map<string, Entry>()
        for (const [i, changes] of steps.entries()) {
          const lines = Object.entries(changes).map(([path, size]) =>
            size === null ? removed(path) : file(path, size),
          )
          lines.sort((a, b) => Buffer.compare(pathBytes(a), pathBytes(b)))
          keys.push(await putCheckpoint(store, i + 1, lines))
          for (const [path, size] of Object.entries(changes)) {
            if (size === null) state.delete(path)
            else state.set(path, file(path, size))
          }
        }
        const expected = [...state.values()].sort((a, b) => Buffer.compare(pathBytes(a), pathBytes(b)))
        {
          await using result = await mergeCheckpoints(store, job, attempt, { directory })
          expect(result?.head.number).toBe(steps.length)
          expect(await collect(result?.entries() ?? each([]))).toEqual(expected)
        }
        expect(await readdir(directory)).toEqual([])
        await store.remove(keys)
      }),
      { numRuns: 12 },
    )
  })

  it('keeps the order of 300 checkpoints, merged in rounds', async () => {
    const store = await folderStore()
    for (let i = 1; i <= 300; i += 1) await putCheckpoint(store, i, [file('always', i), file(`only-${i}`, i)])
    const entries = (await merged(store)) ?? []
    expect(entries).toHaveLength(301)
    expect(entries[0]).toEqual(file('always', 300))
  })

  it('skips a damaged checkpoint and all later ones, and reports the damage', async () => {
    const store = await folderStore()
    await putCheckpoint(store, 1, [file('a', 1)])
    await truncate(store, await putCheckpoint(store, 2, [file('a', 2)]), 30)
    await putCheckpoint(store, 3, [file('b', 3)])
    const damaged: string[] = []
    await using result = await mergeCheckpoints(store, job, attempt, {
      onDamaged: (e) => damaged.push(e.key),
    })
    expect(result?.head.number).toBe(1)
    expect(await collect(result?.entries() ?? each([]))).toEqual([file('a', 1)])
    expect(damaged).toEqual([jobKeys.checkpoint(job, attempt, 2)])
  })
})

describe('commitCheckpoints', () => {
  it('writes a manifest from the checkpoints, with the number of the newest one', async () => {
    const store = await folderStore()
    await putCheckpoint(store, 1, [file('a', 5), { ...file('b', 7), error: 'EACCES' }])
    await putCheckpoint(store, 2, [file('c', 1)], { stop_seen_at: '2026-01-01T00:00:01.500Z' })
    const head = await commitCheckpoints(store, job, attempt)
    expect(head).toEqual({
      version: 1,
      job,
      attempt,
      scan_started_at: '2026-01-01T00:00:02.000Z',
      stop_seen_at: '2026-01-01T00:00:01.500Z',
      count: 3,
      bytes: 6,
      errors: 1,
      first_error: { path: '"b"', error: 'EACCES' },
      checkpoint: 2,
    })
    expect(await readHead(store, jobKeys.manifest(job, attempt))).toEqual(head)
    const manifest = await openManifest(store, jobKeys.manifest(job, attempt))
    expect((await collect(manifest?.entries() ?? each([]))).map((e) => e.path)).toEqual(['a', 'b', 'c'])
    await putCheckpoint(store, 3, [file('d')])
    expect(await commitCheckpoints(store, job, attempt)).toEqual(head)
  })

  it('does not replace an existing manifest', async () => {
    const store = await folderStore()
    await putManifest(store, [file('a')])
    await putCheckpoint(store, 1, [file('b')])
    expect(await commitCheckpoints(store, job, attempt)).toEqual(headFor([file('a')]))
  })

  it('gives all concurrent callers the same manifest', async () => {
    const store = await folderStore()
    await putCheckpoint(store, 1, [file('a')])
    let listed = 0
    const late: ArtifactStore = {
      ...store,
      async *list(prefix, options) {
        // Each caller lists another newest checkpoint.
        listed += 1
        if (listed > 1) await putCheckpoint(store, listed, [file(`b${listed}`)])
        yield* store.list(prefix, options)
      },
    }
    const heads = await Promise.all([1, 2, 3].map(() => commitCheckpoints(late, job, attempt)))
    const written = await readHead(store, jobKeys.manifest(job, attempt))
    expect(heads).toEqual([written, written, written])
  })

  it('writes no manifest without checkpoints', async () => {
    const store = await folderStore()
    expect(await commitCheckpoints(store, job, attempt)).toBeUndefined()
    expect(await store.head(jobKeys.manifest(job, attempt))).toBeUndefined()
  })
})

describe('openUploads', () => {
  it('lists the uploads of the newest checkpoint with a readable head', async () => {
    const store = await folderStore()
    expect(await openUploads(store, job, attempt)).toEqual([])
    await putCheckpoint(store, 9, [], { uploads: [{ key: 'old', id: '1' }] })
    await putCheckpoint(store, 10, [file('a')], { uploads: [{ key: 'new', id: '2' }] })
    expect(await openUploads(store, job, attempt)).toEqual([{ key: 'new', id: '2' }])
    await store.put(jobKeys.checkpoint(job, attempt, 11), Buffer.from('{'))
    expect(await openUploads(store, job, attempt)).toEqual([{ key: 'new', id: '2' }])
  })

  it('closes every read of the store', async () => {
    const store = await folderStore()
    const lines = Array.from({ length: 20_000 }, (_, i) => file(`${100_000 + i}`))
    await putCheckpoint(store, 1, lines, { uploads: [{ key: 'k', id: '1' }] })
    await store.put(jobKeys.checkpoint(job, attempt, 2), Buffer.alloc(1_000_000, 'no checkpoint\n'))
    const opened: Readable[] = []
    const watched: ArtifactStore = {
      ...store,
      async get(key, options) {
        const body = await store.get(key, options)
        opened.push(body.stream)
        return body
      },
    }
    expect(await openUploads(watched, job, attempt)).toEqual([{ key: 'k', id: '1' }])
    expect(opened.map((stream) => stream.destroyed)).toEqual([true, true])
  })
})
