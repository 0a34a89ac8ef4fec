import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { listAttempts, purge } from '../../src/lifecycle/purge.ts'
import { createRecords } from '../../src/lifecycle/records.ts'
import { folderStore, keysOf } from '../support/folder-store.ts'

it('finds the attempts that left anything, whatever else lies beside them', async () => {
  const store = await folderStore()
  const [job, first, second] = [randomUUID(), randomUUID(), randomUUID()]
  const keys = ['job.json', 'stop', 'input-1.ndjson', 'input/1/a', `${first}/files/a/b`, `${first}/files/c`]
  for (const key of [...keys, `${second}/checkpoint/00000001.ndjson`]) {
    await store.put(`jobs/${job}/${key}`, Buffer.from('x'))
  }
  expect(await listAttempts(store, job)).toEqual([first, second].sort())
  expect(await listAttempts(store, randomUUID())).toEqual([])
})

it('removes all of one job and nothing of another, uploads in parts included', async () => {
  const store = await folderStore()
  const [job, attempt, other] = [randomUUID(), randomUUID(), randomUUID()]
  for (let i = 0; i < 1100; i++) await store.put(`jobs/${job}/${attempt}/files/${i}`, Buffer.from('x'))
  await store.put(`jobs/${other}/stop`, Buffer.from('x'))
  const upload = await store.createUpload(`jobs/${job}/${attempt}/files/large`, 8 * 2 ** 20)
  const asked: string[] = []
  const openUploads = async (uuid: string, uid: string) => {
    asked.push(`${uuid} ${uid}`)
    return [upload]
  }
  await purge(store, createRecords(store), openUploads, job)
  expect(await keysOf(store)).toEqual([`jobs/${other}/stop`])
  expect(asked).toEqual([`${job} ${attempt}`])
  await expect(store.putPart(upload, 1, Buffer.from('x'))).rejects.toMatchObject({ kind: 'not-found' })
})
