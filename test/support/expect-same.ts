import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'

/** As expect(actual).toEqual(expected), which takes most of the time of a million comparisons. */
export function expectSame<T>(actual: T, expected: T): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected)
}
