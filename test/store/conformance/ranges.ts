import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { expectKind, type Suite } from './suite.ts'

export function describeRanges(suite: Suite): void {
  describe('a range', () => {
    const bytes = Buffer.from('0123456789')
    it.each([
      [{ offset: 0, length: 4 }, '0123'],
      [{ offset: 3 }, '3456789'],
      [{ offset: 3, length: 1 }, '3'],
      [{ length: 2 }, '01'],
      [{ offset: 9, length: 1 }, '9'],
      [{ offset: 8, length: 100 }, '89'],
      [{ offset: -3 }, '789'],
      [{ offset: -10 }, '0123456789'],
      [{ offset: -100 }, '0123456789'],
      [{ offset: 4, length: 0 }, ''],
      [{ offset: 10, length: 0 }, ''],
    ])('%j gives %j', async (range, expected) => {
      const key = `${suite.folder()}range`
      await suite.store.put(key, bytes)
      const body = await suite.store.get(key, range)
      expect(body).toMatchObject({ size: 10, length: expected.length })
      expect(String(await buffer(body.stream))).toBe(expected)
    })

    it.each([{ offset: 10 }, { offset: 11 }, { offset: 10, length: 1 }, { offset: 11, length: 0 }])(
      '%j after the end is invalid',
      async (range) => {
        const key = `${suite.folder()}range`
        await suite.store.put(key, bytes)
        await expectKind(suite.store.get(key, range), 'invalid')
      },
    )
  })
}
