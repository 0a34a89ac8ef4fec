import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { strangeKeys } from './strange-keys.ts'
import { expectKind, keysOf, partOf, type Suite, sorted } from './suite.ts'

export function describeKeys(suite: Suite): void {
  describe('keys', () => {
    it('may hold every character of a UTF-8 file name, and no two collide', async () => {
      const at = suite.folder()
      const keys = strangeKeys.map((name, index) => `${at}${index % 7}/${name}`)
      for (const key of keys) await suite.store.put(key, Buffer.from(key))
      for (const key of keys) {
        expect(String(await buffer((await suite.store.get(key)).stream))).toBe(key)
        expect(await suite.store.head(key)).toMatchObject({ size: Buffer.byteLength(key) })
        expect(await keysOf(suite.store, key)).toContain(key)
      }
      expect(await keysOf(suite.store, at)).toEqual(sorted(keys))
      await suite.store.remove(keys)
      expect(await keysOf(suite.store, at)).toEqual([])
    })

    it.each([
      '',
      '/',
      '/absolute',
      'folder/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      'a/..',
      'nul\0',
      'line\nfeed',
      'lone \ud800 surrogate',
      'k'.repeat(2000),
    ])('%j is refused by every method with a key', async (key) => {
      const upload = { key, id: 'upload', partSize: 5 << 20 }
      await expectKind(suite.store.put(key, Buffer.from('x')), 'invalid')
      await expectKind(suite.store.get(key), 'invalid')
      await expectKind(suite.store.head(key), 'invalid')
      await expectKind(suite.store.remove([key]), 'invalid')
      await expectKind(suite.store.createUpload(key, 5 << 20), 'invalid')
      await expectKind(suite.store.completeUpload(upload, [partOf('x')]), 'invalid')
      await expectKind(suite.store.abortUpload(upload), 'invalid')
    })

    it('of 255 bytes a component and 900 bytes altogether are valid, longer components are not', async () => {
      const at = suite.folder()
      const long = `${at}${[255, 255, 255].map((length) => 'é'.repeat(127).padEnd(length - 127, 'x')).join('/')}`
      await suite.store.put(long, Buffer.from('long'))
      expect(await keysOf(suite.store, at)).toEqual([long])
      await expectKind(suite.store.put(`${at}${'x'.repeat(256)}`, Buffer.from('x')), 'invalid')
    })
  })
}
