import { expect, it } from 'vitest'
import { busyShare, mustRest, nextSlice, processors, slices } from '../../../sidecar/while-running/load.ts'

const MiB = 1024 * 1024

it.each<[what: string, others: number, written: number, sinceSlice: number, waited: number, rests: boolean]>([
  ['nobody else wants anything', 0.1, 0, 0, 0, false],
  ['all processors are busy', 0.95, 0, 0, 0, true],
  ['all processors are busy, and it rested', 0.95, 0, 2000, 0, false],
  ['it sent nothing yet', 0.95, 0, Number.POSITIVE_INFINITY, 0, false],
  ['the worker writes a lot', 0.1, 200 * MiB, Number.POSITIVE_INFINITY, 0, true],
  ['the worker has written a lot for a minute', 0.1, 200 * MiB, 60_000, 60_000, false],
  ['the worker writes a little', 0.1, 5 * MiB, 0, 0, false],
])('uploads rest as they should where %s', (_what, others, written, sinceSlice, waited, rests) => {
  expect(mustRest({ others, written }, 500, sinceSlice, waited)).toBe(rests)
})

it('makes slices longer while the processors are idle, and short again once they are busy', () => {
  const { firstMs, mostMs } = slices
  let slice = firstMs
  const lengths = [0.3, 0.3, 0.3, 0.3, 0.9, 0.3].map((others) => {
    slice = nextSlice(others, slice)
    return slice
  })
  expect(lengths).toEqual([2 * firstMs, mostMs, mostMs, mostMs, firstMs, 2 * firstMs])
})

it('knows how busy the machine is', () => {
  const before = processors()
  for (const until = Date.now() + 300; Date.now() < until; );
  const share = busyShare(before, processors())
  expect(share).toBeGreaterThan(0)
  expect(share).toBeLessThanOrEqual(1)
})
