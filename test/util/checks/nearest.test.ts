import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectedName, nearest } from '../../../src/util/checks/nearest.ts'

describe('the nearest name', () => {
  it.each([
    ['memry', 'memory'],
    ['memroy', 'memory'],
    ['cpus', 'cpu'],
    ['timeoutSeconds', 'timeout_seconds'],
    ['timeout', 'timeout_seconds'],
    ['memory_limit_of_all', 'memory'],
    ['ti', undefined],
    ['pcu', 'cpu'],
    ['colour', undefined],
    ['', undefined],
    ['x'.repeat(1_000_000), undefined],
  ])('of %.20j is %j', (name, expected) => {
    expect(nearest(name, ['cpu', 'memory', 'timeout_seconds'])).toBe(expected)
  })

  it('of a name with one letter too much, too little or wrong is that name', () => {
    const names = ['image', 'memory', 'retries', 'timeout_seconds', 'result_directory']
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(5), fc.constantFrom('', '~', '~~'), (name, at, put) => {
        for (const taken of [0, 1]) {
          if (put.length - taken > 1) continue
          expect(nearest(name.slice(0, at) + put + name.slice(at + taken), names)).toBe(name)
        }
      }),
    )
  })
})

it('an expected name stands before all names', () => {
  expect(expectedName('cpus', ['cpu', 'gpu'])).toBe('cpu (one of cpu, gpu)')
  expect(expectedName('colour', ['cpu', 'gpu'])).toBe('one of cpu, gpu')
  expect(expectedName('colour', [])).toBe('one of (there is none)')
})
