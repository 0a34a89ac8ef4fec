import { expect, it } from 'vitest'
import { indexAfter, type JobEntry, NewestFirst } from '../../src/lifecycle/newest-first.ts'
import { listPosition } from '../../src/lifecycle/records/list-position.ts'
import type { TrackedJob } from '../../src/lifecycle/tracking/known-job.ts'

it('has the newest job first, and jobs of the same moment in the order of their uuids', () => {
  const list = new NewestFirst().of(jobs(['b', 2], ['a', 2], ['old', 1], ['new', 3]))
  expect(list.jobs.map(({ entry }) => entry.known.live.uuid)).toEqual(['new', 'a', 'b', 'old'])
  expect([...list.uuids].sort()).toEqual(['a', 'b', 'new', 'old'])
})

it('is sorted anew only after a job came or went, and earlier lists stay as they were', () => {
  const newestFirst = new NewestFirst()
  const first = newestFirst.of(jobs(['a', 1]))
  expect(newestFirst.of(jobs(['a', 1], ['b', 2]))).toBe(first)
  newestFirst.changed()
  expect(newestFirst.of(jobs(['a', 1], ['b', 2])).jobs).toHaveLength(2)
  expect(first.jobs).toHaveLength(1)
})

it('goes on after any position, also if its job is gone', () => {
  const list = new NewestFirst().of(jobs(['a', 5], ['c', 3], ['e', 1]))
  const behind = (uuid: string, createdAt: number) =>
    list.jobs.slice(indexAfter(list, listPosition(uuid, createdAt))).map(({ entry }) => entry.known.live.uuid)
  expect(behind('z', 9)).toEqual(['a', 'c', 'e'])
  expect(behind('a', 5)).toEqual(['c', 'e'])
  expect(behind('b', 4)).toEqual(['c', 'e'])
  expect(behind('d', 3)).toEqual(['e'])
  expect(behind('e', 1)).toEqual([])
})

function jobs(...all: [uuid: string, createdAt: number][]): Map<string, JobEntry> {
  return new Map(
    all.map(([uuid, createdAt]) => [
      uuid,
      { known: { live: { uuid, observation: { createdAt } } } as TrackedJob },
    ]),
  )
}
