import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { purge } from '../../../src/lifecycle/archive/purge.ts'
import { listAttempts } from '../../../src/lifecycle/records/list-attempts.ts'
import { createRecords } from '../../../src/lifecycle/records/records.ts'
import { folderStore, keysOf, putAll } from '../../support/store/folder-store.ts'

it('finds the attempts that have objects, among other objects of the job', async () => {
  const store = await folderStore()
  const [job, first, second] = [randomUUID(), randomUUID(), randomUUID()]
  const keys = ['job.json', 'stop', 'input-1.ndjson', 'input/1/a', `${first}/files/a/b`, `${first}/files/c`]
  for (const key of [...keys, `${second}/checkpoint/00000001.ndjson`]) {
    await store.put(`jobs/${job}/${key}`, Buffer.from('x'))
  }
  expect(await listAttempts(store, job)).toEqual([first, second].sort())
  expect(await listAttempts(store, randomUUID())).toEqual([])
})

it('removes all of one job and nothing of another, multipart uploads included', async () => {
  const store = await folderStore()
  const [job, attempt, other] = [randomUUID(), randomUUID(), randomUUID()]
  const keys = Array.from({ length: 1100 }, (_, n) => `jobs/${job}/${attempt}/files/${n}`)
  await putAll(store, keys)
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
