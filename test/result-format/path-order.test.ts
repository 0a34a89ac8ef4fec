import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathFields } from '../../src/result-format/entry.ts'
import { behindPrefix, comparePaths } from '../../src/result-format/path-order.ts'

const path = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
  fc
    .string({ unit: fc.constantFrom('\uFFFD', '😀', '\uE000', 'z', '\uD7FF') })
    .map((text) => Buffer.from(text)),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
)

describe('comparePaths', () => {
  it("orders by the paths' bytes", () => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        const order = comparePaths(pathFields(a), pathFields(b))
        expect(Math.sign(order)).toBe(Buffer.compare(a, b))
      }),
      { numRuns: 5000 },
    )
  })
})

describe('behindPrefix', () => {
  it('is the bound between the paths with a prefix and all later paths', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ maxLength: 6 }), (prefix, other) => {
        const begins = Buffer.from(other.subarray(0, prefix.length)).equals(Buffer.from(prefix))
        const bound = behindPrefix(prefix)
        const inside =
          Buffer.compare(other, prefix) >= 0 && (bound === undefined || Buffer.compare(other, bound) < 0)
        expect(inside).toBe(begins)
      }),
      { numRuns: 5000 },
    )
  })
})
