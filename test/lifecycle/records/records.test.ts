import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { FinalRecord } from '../../../src/lifecycle/records/final-record.ts'
import { listPosition, positionTime, positionUuid } from '../../../src/lifecycle/records/list-position.ts'
import { createRecords, readOrDamaged } from '../../../src/lifecycle/records/records.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { finalRecord } from '../../support/api/job-answer.ts'
import { folderStore, keysOf } from '../../support/store/folder-store.ts'

it('reads a record as it was written, and none that was not written', async () => {
  const records = createRecords(await folderStore())
  const record = recordOf('2026-01-02T03:04:05.000Z')
  await records.write(record)
  expect(await records.read(record.job.job_uuid)).toEqual(record)
  expect(await records.read(randomUUID())).toBeUndefined()
})

it('lists the newest first, and goes on after a position', async () => {
  const records = createRecords(await folderStore())
  const times = ['2026-01-03', '2026-01-01', '2026-01-02'].map((day) => `${day}T00:00:00.000Z`)
  for (const time of times) await records.write(recordOf(time))
  const listed = []
  for await (const entry of records.list())
    listed.push({ position: entry.position, record: await entry.read() })
  expect(listed.map(({ record }) => record?.job.created_at)).toEqual([times[0], times[2], times[1]])
  const rest = []
  for await (const entry of records.list({ after: listed[0]?.position })) rest.push(entry.position)
  expect(rest).toEqual(listed.slice(1).map(({ position }) => position))
})

it('leaves neither record nor index entry of a removed job', async () => {
  const store = await folderStore()
  const records = createRecords(store)
  const record = recordOf('2026-01-02T03:04:05.000Z')
  await records.write(record)
  await records.remove(record.job.job_uuid)
  expect(await keysOf(store)).toEqual([])
  await records.remove(record.job.job_uuid)
})

it.each(['', '{"version": 1, "jo', '[]', 'null', '{"version": 1, "job": {"job_uuid": "another"}}'])(
  'calls a record with the content %j damaged, lists it, writes it anew and removes it',
  async (text) => {
    const store = await folderStore()
    const records = createRecords(store)
    const record = recordOf('2026-01-02T03:04:05.000Z')
    const { job_uuid: uuid, created_at: createdAt } = record.job
    await records.write(record)
    const damage = () => store.put(jobKeys.record(uuid), Buffer.from(text))
    await damage()
    await expect(records.read(uuid)).rejects.toMatchObject({ code: 'result-damaged' })
    expect(await readOrDamaged(records, uuid)).toBe('damaged')
    for await (const entry of records.list()) {
      expect(entry).toMatchObject({ uuid, state: 'succeeded' })
      expect(positionTime(entry.position)).toBe(Date.parse(createdAt))
    }
    await records.write(record)
    expect(await records.read(uuid)).toEqual(record)
    await damage()
    await records.remove(uuid)
    expect(await keysOf(store)).toEqual([])
  },
)

it('gives newer jobs positions that sort before those of older ones', () => {
  const uuid = randomUUID()
  expect(listPosition(uuid, 2000) < listPosition(uuid, 1000)).toBe(true)
  expect(positionUuid(listPosition(uuid, 1000))).toBe(uuid)
  expect(positionUuid('no position')).toBeUndefined()
})

function recordOf(createdAt: string): FinalRecord {
  return finalRecord(
    { job: 'default', created_at: createdAt, started_at: createdAt, finished_at: createdAt },
    { logs: { worker: { from_beginning: true } } },
  )
}
