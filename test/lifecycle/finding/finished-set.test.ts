import { expect, it } from 'vitest'
import { type FinishedJob, FinishedSet } from '../../../src/lifecycle/finding/finished-set.ts'
import { each } from '../../support/each.ts'

it('keeps what was added and removed while all jobs are read anew', async () => {
  const set = new FinishedSet(1e6)
  for (const name of ['b', 'd']) set.add(job(name))
  const reading = set.replace(each([job('b'), job('c'), job('d')]))
  set.remove('b')
  set.add(job('a'))
  await reading
  expect(uuids(set)).toEqual(['a', 'c', 'd'])
  expect(set.rest).toBeUndefined()
})

it('drops the oldest beyond its memory, says from where on, and takes no older ones', async () => {
  const set = new FinishedSet(900)
  await set.replace(each(['b', 'c', 'd', 'e', 'f'].map(job)))
  expect(uuids(set)).toEqual(['b', 'c', 'd'])
  expect(set.rest).toBe('d')
  set.add(job('a'))
  expect([uuids(set), set.rest]).toEqual([['a', 'b', 'c'], 'c'])
  set.add(job('x'))
  expect(uuids(set)).toEqual(['a', 'b', 'c'])
})

it('counts the names that are read later', () => {
  const set = new FinishedSet(900)
  for (const name of ['a', 'b', 'c']) set.add(job(name))
  const [first] = set.jobs
  if (first) set.setNames(first, { job: null, name: 'x'.repeat(100) })
  expect(uuids(set)).toEqual(['a', 'b'])
  set.remove('a')
  set.add(job('0'))
  expect(uuids(set)).toEqual(['0', 'b'])
})

function job(uuid: string): FinishedJob {
  return { uuid, position: uuid, state: 'failed', names: undefined, inSegment: false }
}

function uuids(set: FinishedSet): string[] {
  return set.jobs.map(({ uuid }) => uuid)
}
