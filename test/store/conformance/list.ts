import { describe, expect, it } from 'vitest'
import { inParallel, keysOf, type Suite, sorted } from './suite.ts'

export function describeList(suite: Suite): void {
  describe('list', () => {
    it("is in the order of the keys' bytes, independent of their folders", async () => {
      const at = suite.folder()
      const names = [
        'a.txt',
        'a/b',
        'a/b.c',
        'a/b/c',
        'a0',
        'aa',
        'a-',
        'Z',
        'é',
        '\uE000',
        '\uFFFD',
        '\u{1F600}',
      ]
      const keys = names.filter((name) => name !== 'a/b').map((name) => at + name)
      for (const key of keys) await suite.store.put(key, Buffer.from('x'))
      expect(await keysOf(suite.store, at)).toEqual(sorted(keys))
    })

    it('begins after the key `after`, which may be missing', async () => {
      const at = suite.folder()
      const keys = sorted(['a', 'b.c', 'b/a', 'b/b/c', 'b0', 'c'].map((name) => at + name))
      for (const key of keys) await suite.store.put(key, Buffer.from('x'))
      for (const [index, after] of keys.entries()) {
        expect(await keysOf(suite.store, at, after)).toEqual(keys.slice(index + 1))
      }
      for (const after of [
        `${at}b`,
        `${at}b.`,
        `${at}b/`,
        `${at}b/a0`,
        `${at}b/b/`,
        `${at}bb`,
        `${at}zz`,
        'zzz',
      ]) {
        const behind = keys.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
        expect(await keysOf(suite.store, at, after)).toEqual(behind)
      }
      expect(await keysOf(suite.store, at, '!')).toEqual(keys)
    })

    it('takes any beginning of a key as its prefix and gives sizes', async () => {
      const at = suite.folder()
      for (const name of ['job/1', 'job/10', 'job/2', 'jobs'])
        await suite.store.put(at + name, Buffer.from(name))
      expect(await keysOf(suite.store, `${at}job/1`)).toEqual([`${at}job/1`, `${at}job/10`])
      expect(await keysOf(suite.store, `${at}jo`)).toHaveLength(4)
      expect(await keysOf(suite.store, `${at}x`)).toEqual([])
      expect(await keysOf(suite.store, `${at}x/y/`)).toEqual([])
      for await (const { key, size } of suite.store.list(at)) expect(size).toBe(key.length - at.length)
    })

    it('iterates over several pages of objects; remove() takes as many keys', async () => {
      const at = suite.folder()
      const keys = Array.from({ length: 2100 }, (_, index) => `${at}${String(index).padStart(5, '0')}`)
      await inParallel(keys, (key) => suite.store.put(key, Buffer.alloc(0)))
      expect(await keysOf(suite.store, at)).toEqual(keys)
      expect(await keysOf(suite.store, at, keys[1499])).toEqual(keys.slice(1500))
      for await (const { key } of suite.store.list(at)) {
        expect(key).toBe(keys[0])
        break
      }
      await suite.store.remove([...keys, `${at}missing`])
      expect(await keysOf(suite.store, at)).toEqual([])
      await suite.store.remove(keys.slice(0, 3))
      await suite.store.remove([])
    })
  })
}
