import { expect, it } from 'vitest'
import { readSegments, segmentPrefix, writeSegments } from '../../../src/lifecycle/finding/segments.ts'
import { tidySegments } from '../../../src/lifecycle/janitor/filter-segments.ts'
import { listPosition } from '../../../src/lifecycle/records/list-position.ts'
import { keysOf } from '../../support/store/folder-store.ts'
import { recordOf, setUp } from './setup.ts'

it('removes what segments say of jobs that are gone or say twice, and puts small ones together', async () => {
  const { parts, store, records } = await setUp()
  const [kept, other] = [recordOf(), recordOf()]
  await records.write(kept)
  await records.write(other)
  const [a, b, gone] = [kept, other, recordOf()].map(({ job }) => ({
    position: listPosition(job.job_uuid, Date.parse(job.created_at)),
    names: { job: null, name: job.job_uuid },
  }))
  if (!a || !b || !gone) throw new Error('three')
  await writeSegments(store, [a, gone])
  await writeSegments(store, [b, a])
  await tidySegments(parts)
  const left: string[] = []
  await readSegments(store, ({ position }) => left.push(position))
  expect(left.sort()).toEqual([a.position, b.position].sort())
  const keys = await keysOf(store, segmentPrefix)
  expect(keys).toHaveLength(1)
  await tidySegments(parts)
  expect(await keysOf(store, segmentPrefix)).toEqual(keys)
  for (const { job } of [kept, other]) await records.remove(job.job_uuid)
  await tidySegments(parts)
  expect(await keysOf(store, segmentPrefix)).toEqual([])
})
