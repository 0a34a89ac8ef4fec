import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { removeStaleEntries } from '../../../src/lifecycle/janitor/index-entries.ts'
import { listPosition } from '../../../src/lifecycle/records/list-position.ts'
import { keysOf, putAll } from '../../support/store/folder-store.ts'
import { recordOf, setUp } from './setup.ts'

it('removes old entries whose record is gone or has another state', async () => {
  const { parts, store, records, told } = await setUp()
  const record = recordOf()
  await records.write(record)
  const { job_uuid: uuid } = record.job
  const right = `index/${listPosition(uuid, 0)}-succeeded`
  const wrong = `index/${listPosition(uuid, 0)}-failed`
  const gone = `index/${listPosition(randomUUID(), 1000)}-failed`
  const young = `index/${listPosition(randomUUID(), 5000)}-failed`
  for (const key of [wrong, gone, young]) await store.put(key, Buffer.alloc(0))

  const dry = { ...parts, rules: { ...parts.rules, dryRun: true } }
  expect(await removeStaleEntries(dry, 4000, undefined)).toBeUndefined()
  expect(told.splice(0)).toHaveLength(2)
  expect(await keysOf(store, 'index/')).toHaveLength(4)

  expect(await removeStaleEntries(parts, 4000, undefined)).toBeUndefined()
  expect(told.map(({ kind, job }) => [kind, job === uuid])).toEqual([
    ['index', false],
    ['index', true],
  ])
  expect(await keysOf(store, 'index/')).toEqual([young, right])
})

it('goes on where the sweep before ended', async () => {
  const { parts, store } = await setUp()
  const entries = Array.from({ length: 1010 }, (_, n) => `index/${listPosition(randomUUID(), n)}-failed`)
  await putAll(store, entries)
  const next = await removeStaleEntries(parts, 10_000, undefined)
  expect(await keysOf(store, 'index/')).toHaveLength(10)
  expect(await removeStaleEntries(parts, 10_000, next)).toBeUndefined()
  expect(await keysOf(store, 'index/')).toEqual([])
})
