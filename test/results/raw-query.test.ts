import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeValue, rawQuery, single } from '../../src/results/raw-query.ts'
import { Problem } from '../../src/util/errors.ts'

const file = (url: string) => single(rawQuery(url, ['file', 'after']), 'file')

function problemOf(act: () => unknown): Problem {
  try {
    act()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('no problem')
}

describe('rawQuery', () => {
  it.each([
    ['/x', undefined],
    ['/x?', undefined],
    ['/x?file=a', 'a'],
    ['/x?file=a+b', 'a b'],
    ['/x?file=a%2Bb%2bc', 'a+b+c'],
    ['/x?file=a%20b', 'a b'],
    ['/x?file=a=b', 'a=b'],
    ['/x?file=a?b', 'a?b'],
    ['/x?file=', ''],
    ['/x?file', ''],
    ['/x?&&file=%C3%BC&', 'ü'],
    ['/x?%66ile=a', 'a'],
    ['/x?file=%2525', '%25'],
    ['/x?file=\u00C3\u00BC', 'ü'],
  ])('reads %s', (url, value) => {
    expect(file(url)?.toString()).toBe(value)
  })

  it('keeps bytes of invalid UTF-8', () => {
    expect(file('/x?file=%FFa%80')).toEqual(Buffer.from([0xff, 0x61, 0x80]))
  })

  it.each(['/x?file=%', '/x?file=a%2', '/x?file=%zz', '/x?file=%\n1', '/x?file=a%00b', '/x?file=a&file=b'])(
    'refuses %j and names the field',
    (url) => {
      const problem = problemOf(() => file(url))
      expect(problem.code).toBe('invalid-request')
      expect(problem.errors).toMatchObject([{ field: 'file' }])
    },
  )

  it.each(['/x?files=a', '/x?FILE=a', '/x?file=a&x=1', '/x?=a', '/x?__proto__=1'])(
    'refuses the unknown parameter in %s',
    (url) => {
      expect(problemOf(() => file(url)).errors).toHaveLength(1)
    },
  )

  it('decodes every path that encodeValue encodes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array().filter((bytes) => !bytes.includes(0)),
        (bytes) => {
          const url = `/x?file=${encodeValue(bytes)}`
          expect(url).toMatch(/^[\x21-\x7e]+$/)
          expect(file(url)).toEqual(Buffer.from(bytes))
        },
      ),
    )
  })
})
