import { expect, it } from 'vitest'
import { segmentPrefix } from '../../../src/lifecycle/finding/segments.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { keysOf } from '../../support/store/folder-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { at, finding, recordOf, uuidsOf } from './setup.ts'

it('reads the record of a job of before once, and from then on a segment, after a restart as well', async () => {
  const first = await finding()
  const records = Array.from({ length: 600 }, (_, index) =>
    recordOf({ created_at: at(index), name: `run ${index % 100}` }),
  )
  for (const record of records) await first.records.write(record)
  expect(await uuidsOf(first, { name: 'run 7' })).toHaveLength(6)
  await eventually(async () => expect(await keysOf(first.store, segmentPrefix)).toHaveLength(1))
  await first.finished.close()
  expect(new Set(first.reads).size).toBe(600)

  const second = await finding(first.store)
  expect(await uuidsOf(second, { name: 'run 7' })).toHaveLength(6)
  expect(second.reads).toEqual([])
  await second.finished.close()
})

it('has no segment written by a process that does not lead', async () => {
  const parts = await finding(undefined, { isLeader: () => false })
  for (let index = 0; index < 600; index++) await parts.records.write(recordOf({ created_at: at(index) }))
  await uuidsOf(parts, { name: 'none' })
  await parts.finished.close()
  expect(await keysOf(parts.store, segmentPrefix)).toEqual([])
})

it('follows the records that this process writes and removes, without reading them', async () => {
  const parts = await finding()
  expect(await uuidsOf(parts, { name: 'a' })).toEqual([])
  const record = recordOf({ name: 'a' })
  const { job_uuid: uuid } = record.job
  await parts.records.write(record)
  expect(await uuidsOf(parts, { name: 'a' })).toEqual([uuid])
  await parts.records.remove(uuid)
  expect(await uuidsOf(parts, { name: 'a' })).toEqual([])
  expect(parts.reads).toEqual([])
})

it('finds a job that another process has archived as soon as it is live no more', async () => {
  const parts = await finding()
  await uuidsOf(parts, { name: 'a' })
  const record = recordOf({ name: 'a' })
  await (await finding(parts.store)).records.write(record)
  expect(await uuidsOf(parts, { name: 'a' })).toEqual([])
  parts.finished.letGo(record.job.job_uuid, Date.parse(record.job.created_at))
  expect(await uuidsOf(parts, { name: 'a' })).toEqual([record.job.job_uuid])
})

it('finds a job by its own labels that another process made anew under the uuid of a deleted one', async () => {
  const parts = await finding()
  const before = recordOf({ name: 'a', created_at: at(1) })
  const { job_uuid: uuid } = before.job
  await parts.records.write(before)
  expect(await uuidsOf(parts, { name: 'a' })).toEqual([uuid])
  const other = await finding(parts.store)
  await other.records.remove(uuid)
  await other.records.write(recordOf({ job_uuid: uuid, name: 'b', created_at: at(2) }))
  parts.finished.letGo(uuid, Date.parse(at(2)))
  expect(await uuidsOf(parts, { name: 'b' })).toEqual([uuid])
  expect(await uuidsOf(parts, { name: 'a' })).toEqual([])
})

it('finds the names of a record that version 0.2 wrote in its request', async () => {
  const parts = await finding()
  const record = recordOf({ labels: { team: 'a' } })
  const { labels: _, phase: __, ...job } = record.job
  await parts.records.write(record)
  await parts.store.put(jobKeys.record(job.job_uuid), Buffer.from(JSON.stringify({ ...record, job })))
  const other = await finding(parts.store)
  expect(await uuidsOf(other, { labels: [['team', 'a']] })).toEqual([job.job_uuid])
  await other.finished.close()
})

it('finds a job with a damaged record by its state, and by no name', async () => {
  const parts = await finding()
  const { job, ...rest } = recordOf({ name: 'a' })
  await parts.records.write({ job, ...rest })
  await parts.store.put(jobKeys.record(job.job_uuid), Buffer.from('{'))
  const other = await finding(parts.store)
  expect(await uuidsOf(other, { states: new Set(['succeeded']) })).toEqual([job.job_uuid])
  expect(await uuidsOf(other, { name: 'a' })).toEqual([])
  await other.finished.close()
})
