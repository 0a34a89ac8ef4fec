import { expect, it } from 'vitest'
import { firstBehind, NewestFirst } from '../../src/lifecycle/newest-first.ts'
import { listPosition } from '../../src/lifecycle/records.ts'
import type { TrackedJob } from '../../src/lifecycle/tracked.ts'

it('has the newest job first, and those of one moment by their uuids', () => {
  const list = new NewestFirst().of(jobs(['b', 2], ['a', 2], ['old', 1], ['new', 3]))
  expect(list.jobs.map(({ job }) => job.live.uuid)).toEqual(['new', 'a', 'b', 'old'])
  expect([...list.uuids].sort()).toEqual(['a', 'b', 'new', 'old'])
})

it('is made anew only once a job came or went, and what was given out stays as it was', () => {
  const newestFirst = new NewestFirst()
  const first = newestFirst.of(jobs(['a', 1]))
  expect(newestFirst.of(jobs(['a', 1], ['b', 2]))).toBe(first)
  newestFirst.changed()
  expect(newestFirst.of(jobs(['a', 1], ['b', 2])).jobs).toHaveLength(2)
  expect(first.jobs).toHaveLength(1)
})

it('goes on behind any position, whether or not its job is still there', () => {
  const list = new NewestFirst().of(jobs(['a', 5], ['c', 3], ['e', 1]))
  const behind = (uuid: string, createdAt: number) =>
    list.jobs.slice(firstBehind(list, listPosition(uuid, createdAt))).map(({ job }) => job.live.uuid)
  expect(behind('z', 9)).toEqual(['a', 'c', 'e'])
  expect(behind('a', 5)).toEqual(['c', 'e'])
  expect(behind('b', 4)).toEqual(['c', 'e'])
  expect(behind('d', 3)).toEqual(['e'])
  expect(behind('e', 1)).toEqual([])
})

function jobs(...all: [uuid: string, createdAt: number][]): Map<string, TrackedJob> {
  return new Map(
    all.map(([uuid, createdAt]) => [uuid, { live: { uuid, observation: { createdAt } } } as TrackedJob]),
  )
}
