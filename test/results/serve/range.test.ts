import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRange } from '../../../src/results/serve/range.ts'

describe('parseRange', () => {
  it.each([
    [undefined, 10, 'whole'],
    ['bytes=0-4', 10, [0, 4]],
    ['bytes=0-0', 10, [0, 0]],
    ['bytes=5-', 10, [5, 9]],
    ['bytes=-3', 10, [7, 9]],
    ['bytes=-30', 10, [0, 9]],
    ['bytes=5-99999999999999999999', 10, [5, 9]],
    ['bytes=9-9', 10, [9, 9]],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=10-20', 10, 'unsatisfiable'],
    ['bytes=99999999999999999999-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-1', 0, 'whole'],
    ['BYTES=1-2', 10, [1, 2]],
    ['bytes= 1-2 ,', 10, [1, 2]],
    ['bytes=,\t1-2', 10, [1, 2]],
    ['bytes=4-2', 10, 'whole'],
    ['bytes=0-1,3-4', 10, 'whole'],
    ['bytes=', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=a-b', 10, 'whole'],
    ['bytes=1', 10, 'whole'],
    ['bytes=+1-2', 10, 'whole'],
    ['bytes=1 - 2', 10, 'whole'],
    ['bytes 1-2', 10, 'whole'],
    ['bytes=0x1-2', 10, 'whole'],
    ['lines=0-1', 10, 'whole'],
    ['', 10, 'whole'],
  ] as const)('reads %j of %d bytes as %j', (header, size, expected) => {
    const range = parseRange(header, size)
    if (typeof expected === 'string') expect(range).toEqual({ kind: expected })
    else expect(range).toEqual({ kind: 'range', start: expected[0], end: expected[1] })
  })

  it('gives only nonempty ranges within the file', () => {
    const number = fc.oneof(fc.constant(''), fc.nat(30).map(String), fc.bigInt({ min: 0n }).map(String))
    fc.assert(
      fc.property(number, number, fc.nat(30), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size)
        if (range.kind !== 'range') return
        expect(range.start).toBeGreaterThanOrEqual(0)
        expect(range.end).toBeGreaterThanOrEqual(range.start)
        expect(range.end).toBeLessThan(size)
      }),
    )
  })

  it('accepts any text without throwing', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (text, size) => {
        expect(parseRange(text, size).kind).toBeTypeOf('string')
      }),
    )
  })
})
