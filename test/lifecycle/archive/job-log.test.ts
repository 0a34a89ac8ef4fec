import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { ReadLogOptions } from '../../../src/job/backend.ts'
import { type JobLogParts, jobLog } from '../../../src/lifecycle/archive/job-log.ts'
import { createRecords } from '../../../src/lifecycle/records/records.ts'
import type { TrackedJob } from '../../../src/lifecycle/tracking/known-job.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { StoreError } from '../../../src/store/store.ts'
import { finalRecord, jobAnswer } from '../../support/api/job-answer.ts'
import { folderStore } from '../../support/store/folder-store.ts'

const uuid = '3f0c2a52-6f0b-4a7e-9d55-0c3c1c6d6b11'

/**
 * An ended job that is still tracked: its container is being removed, so that the kubelet gives
 * less.
 */
async function endedJob() {
  const store = await folderStore()
  const records = createRecords(store)
  const answer = jobAnswer({
    job_uuid: uuid,
    state: 'succeeded',
    attempt: { uid: 'attempt' } as never,
    started_at: '2026-11-21T06:00:01.000Z',
  })
  const assessment = { deleted: false }
  const tracked = { live: { uuid }, answer, assessment } as unknown as TrackedJob
  const parts = {
    store,
    records,
    backend: {
      earlierAttempts: () => [],
      log: async () => ({ stream: Readable.from(['unable to retrieve container logs for containerd://0']) }),
    },
    tracker: { get: () => tracked, onChange: () => () => undefined },
  }
  const archive = async () => {
    await store.put(jobKeys.log(uuid, 'attempt', 'worker'), Buffer.from('all of it\n'))
    await records.write(finalRecord(answer, { logs: { worker: { from_beginning: true } } }))
  }
  return { parts, archive, assessment }
}

it('comes from the store as soon as it is archived, although the job is tracked still', async () => {
  const { parts, archive } = await endedJob()
  const before = await jobLog(parts, uuid, { container: 'worker' })
  expect(await text(before.stream)).toContain('unable to retrieve')
  await archive()
  const after = await jobLog(parts, uuid, { container: 'worker' })
  expect(after.fromBeginning).toBe(true)
  expect(await text(after.stream)).toBe('all of it\n')
})

it('comes from the backend while the store cannot say whether it is archived', async () => {
  const { parts } = await endedJob()
  const read = async () => {
    throw new Error('the store is away')
  }
  const { stream } = await jobLog({ ...parts, records: { read } }, uuid, { container: 'worker' })
  expect(await text(stream)).toContain('unable to retrieve')
})

it('is gone as soon as the job is deleted, although its record is still there', async () => {
  const { parts, archive, assessment } = await endedJob()
  await archive()
  assessment.deleted = true
  await expect(jobLog(parts, uuid, { container: 'worker' })).rejects.toMatchObject({ code: 'not-found' })
})

describe('the log of an attempt by its number', () => {
  const first = { number: 1, uid: 'first' }
  const second = { number: 2, uid: 'second' }
  const worker = { container: 'worker', attempt: 1 } as const

  /** A tracked job with the attempts shown, one after the other; the last one stays. */
  async function severalAttempts(state: 'running' | 'succeeded', ...shown: (typeof first | null)[]) {
    const store = await folderStore()
    const asked: ReadLogOptions[] = []
    const tracked = () => {
      const attempt = shown.length > 1 ? shown.shift() : shown[0]
      const started = { job_uuid: uuid, started_at: '2026-11-21T06:00:01.000Z' }
      const answer = jobAnswer({ ...started, state, attempt: attempt ?? null })
      const observation = { attempt: attempt && { ...attempt, worker: { startedAt: 1 } } }
      return { live: { uuid, observation }, answer, assessment: { deleted: false } } as unknown as TrackedJob
    }
    const logs: Partial<Record<number, string>> = {}
    const parts = {
      store,
      records: createRecords(store),
      tracker: { get: tracked, onChange: () => () => undefined },
      backend: {
        earlierAttempts: () => [first],
        log: async (_: string, options: ReadLogOptions) => {
          asked.push(options)
          const log = logs[options.attempt ?? second.number]
          return log === undefined ? undefined : { stream: Readable.from([log]) }
        },
      },
    }
    const put = (key: string, log: string) => store.put(key, Buffer.from(log))
    return { parts, logs, put, asked }
  }
  const read = async (parts: JobLogParts, options: ReadLogOptions) =>
    text((await jobLog(parts, uuid, options)).stream)

  it('is the followed one while the next attempt runs and the pod of the first is gone', async () => {
    const { parts, put } = await severalAttempts('running', second)
    await expect(jobLog(parts, uuid, worker)).rejects.toMatchObject({ code: 'not-found' })
    await put(jobKeys.log(uuid, 'first', 'worker'), 'evicted\nat last\n')
    expect(await read(parts, worker)).toBe('evicted\nat last\n')
    expect(await read(parts, { ...worker, tail: 1 })).toBe('at last\n')
  })

  it('comes from the store before the kubelet, which answers with an error text', async () => {
    const { parts, logs, put } = await severalAttempts('succeeded', second)
    logs[1] = 'unable to retrieve container logs for containerd://0'
    expect(await read(parts, worker)).toContain('unable to retrieve')
    await put(jobKeys.log(uuid, 'first', 'worker'), 'followed\n')
    expect(await read(parts, worker)).toBe('followed\n')
    await put(jobKeys.earlierLog(uuid, 1, 'worker'), 'archived\n')
    expect(await read(parts, worker)).toBe('archived\n')
  })

  it('comes from the backend while the store is away, and is unavailable without both', async () => {
    const { parts, logs } = await severalAttempts('running', second)
    const get = async () => {
      throw new StoreError('unavailable', 'the store is away')
    }
    const away = { ...parts, store: { ...parts.store, get } }
    await expect(jobLog(away, uuid, worker)).rejects.toMatchObject({ code: 'unavailable' })
    logs[1] = 'from its pod\n'
    expect(await read(away, worker)).toBe('from its pod\n')
  })

  it('stays that of the attempt asked for if the next one begins meanwhile', async () => {
    for (const follow of [false, true]) {
      const { parts, logs, put } = await severalAttempts('running', first, second)
      logs[2] = 'second\n'
      await put(jobKeys.log(uuid, 'first', 'worker'), 'first\n')
      expect(await read(parts, { ...worker, follow })).toBe('first\n')
      expect(await read(parts, { ...worker, attempt: 2, follow })).toBe('second\n')
    }
  })

  it('can be read while no attempt is shown: the pod is gone, and the next one is yet to come', async () => {
    for (const state of ['running', 'succeeded'] as const) {
      const { parts, put } = await severalAttempts(state, null)
      await expect(jobLog(parts, uuid, worker)).rejects.toMatchObject({ code: 'not-found' })
      await put(jobKeys.log(uuid, 'first', 'worker'), 'first\n')
      expect(await read(parts, worker)).toBe('first\n')
    }
  })

  it('can be read of a job whose record names no attempt', async () => {
    const { parts, put } = await severalAttempts('succeeded', null)
    await parts.records.write(finalRecord({ job_uuid: uuid, state: 'canceled', attempt: null }))
    const released = { ...parts, tracker: { ...parts.tracker, get: () => undefined } }
    released.backend = { ...parts.backend, earlierAttempts: () => [] }
    await put(jobKeys.earlierLog(uuid, 1, 'worker'), 'first\n')
    expect(await read(released, worker)).toBe('first\n')
    await expect(jobLog(released, uuid, { ...worker, attempt: 2 })).rejects.toMatchObject({
      code: 'not-found',
    })
  })
})
