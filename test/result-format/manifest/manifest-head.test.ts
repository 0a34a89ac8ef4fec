import { describe, expect, it } from 'vitest'
import { DamagedManifest, footBytes } from '../../../src/result-format/manifest/manifest-format.ts'
import { readHead } from '../../../src/result-format/manifest/manifest-reader.ts'
import { StoreError } from '../../../src/store/store.ts'
import { folderStore, headFor, putManifest, recording } from '../fixtures.ts'
import { bytesOf, key, numbered } from './manifest-entries.ts'

describe('readHead', () => {
  it('gives undefined after one request without a manifest', async () => {
    const store = recording(await folderStore())
    expect(await readHead(store, key)).toBeUndefined()
    expect(store.gets).toHaveLength(1)
  })

  it('reads the head of a small manifest in one request, of a large one in two', async () => {
    const store = recording(await folderStore())
    await putManifest(store, numbered(3))
    expect(await readHead(store, key)).toEqual(headFor(numbered(3)))
    expect(store.gets).toHaveLength(1)
    store.gets.length = 0
    await putManifest(store, numbered(3000))
    expect(await readHead(store, key)).toEqual(headFor(numbered(3000)))
    expect(store.gets).toHaveLength(2)
  })

  it('reads a head that names a hundred inputs with a further request', async () => {
    const store = recording(await folderStore())
    const input = {
      source: `https://data.example/${'x'.repeat(2000)}`,
      to: 'a',
      size: 1,
      sha256: '0'.repeat(64),
    }
    const head = headFor(numbered(3000), { inputs: Array.from({ length: 100 }, () => input) })
    await store.put(key, await bytesOf(head, numbered(3000)))
    expect(await readHead(store, key)).toEqual(head)
    expect(store.gets).toHaveLength(3)
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
  ])('names the damage of a manifest that is %s', async (_, damage, problem) => {
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

  it('rejects with the error of an unavailable store', async () => {
    const store = await folderStore()
    const down = { ...store, get: () => Promise.reject(new StoreError('unavailable', 'refused')) }
    await expect(readHead(down, key)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})
