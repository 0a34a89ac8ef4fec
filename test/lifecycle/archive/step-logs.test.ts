import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import type { LoggedContainer, ReadLogOptions } from '../../../src/job/backend.ts'
import { type JobLogParts, jobLog } from '../../../src/lifecycle/archive/job-log.ts'
import { LogArchive } from '../../../src/lifecycle/archive/log-archive.ts'
import { createRecords } from '../../../src/lifecycle/records/records.ts'
import type { TrackedJob } from '../../../src/lifecycle/tracking/known-job.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { createLog } from '../../../src/util/log.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'
import { folderStore } from '../../support/store/folder-store.ts'

const uuid = '11111111-1111-4111-8111-111111111111'
const start = '2026-11-21T06:00:01.000Z'
const step = (name: string, started: boolean) => ({
  ...{ name, state: 'running' as const, exit_code: null, finished_at: null },
  started_at: started ? start : null,
})

async function running(steps: readonly ReturnType<typeof step>[]) {
  const store = await folderStore()
  const answer = jobAnswer({
    ...{ job_uuid: uuid, state: 'running', started_at: start, steps: [...steps] },
    attempt: { uid: 'second', number: 2 },
  })
  const tracked = { live: { uuid }, answer, assessment: { deleted: false } } as unknown as TrackedJob
  const asked: LoggedContainer[] = []
  const parts: JobLogParts = {
    store,
    records: createRecords(store),
    backend: {
      earlierAttempts: () => [],
      log: async (_: string, { container, step: name }: ReadLogOptions) => {
        asked.push({ container, ...(name !== undefined && { step: name }) })
        return { stream: Readable.from([Buffer.from(`of ${name}`)]) }
      },
    },
    tracker: { get: () => tracked, onChange: () => () => undefined },
  }
  return { parts, store, asked }
}

it('is that of the step that started last, or of the one that is named', async () => {
  const { parts, asked } = await running([step('a', true), step('b', true), step('c', false)])
  await jobLog(parts, uuid, { container: 'worker' })
  await jobLog(parts, uuid, { container: 'worker', step: 'a' })
  await jobLog(parts, uuid, { container: 'uploader' })
  expect(asked).toEqual([
    { container: 'worker', step: 'b' },
    { container: 'worker', step: 'a' },
    { container: 'uploader' },
  ])
})

it('is refused for a step that the job does not have, with the names of those it has', async () => {
  const { parts } = await running([step('a', true), step('b', false)])
  await expect(jobLog(parts, uuid, { container: 'worker', step: 'z' })).rejects.toMatchObject({
    errors: [{ field: 'step', expected: 'one of a, b' }],
  })
})

it('of an earlier attempt comes from the store', async () => {
  const { parts, store } = await running([step('a', true)])
  await store.put(jobKeys.earlierLog(uuid, 1, 'step-a'), Buffer.from('first\n'))
  const { stream } = await jobLog(parts, uuid, { container: 'worker', step: 'a', attempt: 1 })
  expect(await text(stream)).toBe('first\n')
})

it('is kept for each step of each attempt, whether it was followed or not', async () => {
  const { parts, store } = await running([])
  const archive = new LogArchive(parts.backend, store, createLog('test', 'silent'))
  archive.follow(uuid, 'second', 'step-a')
  await archive.untilFollowed(uuid, 'second')
  await archive.archive(uuid, 'second', 'step-b')
  await archive.archiveEarlier(uuid, [{ number: 1, uid: 'first' }], ['step-a', 'uploader'])
  const read = async (key: string) => text((await store.get(key)).stream)
  expect(await read(jobKeys.log(uuid, 'second', 'step-a'))).toBe('of a')
  expect(await read(jobKeys.log(uuid, 'second', 'step-b'))).toBe('of b')
  expect(await read(jobKeys.earlierLog(uuid, 1, 'step-a'))).toBe('of a')
  expect(await read(jobKeys.earlierLog(uuid, 1, 'uploader'))).toBe('of undefined')
})
