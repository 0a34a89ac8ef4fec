import { expect, onTestFinished, test, vi } from 'vitest'
import type { Job, State } from '../../../src/job/job.ts'
import {
  createEventStreams,
  type EventStreams,
  type StreamReader,
} from '../../../src/notifications/events/streams.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'

test('progress of storing is sent with its rate, and without an id to resume from', () => {
  vi.useFakeTimers({ now: 0 })
  onTestFinished(() => void vi.useRealTimers())
  const streams = start()
  const reader = collect()
  streams.openAll(reader)
  const storing = (files: number, bytes: number) =>
    streams.changed({
      ...change('a', 'storing'),
      uploaded: { files, bytes, total_files: 9, total_bytes: 900 },
    })
  streams.changed(change('a', 'storing'))
  storing(1, 100)
  vi.setSystemTime(2000)
  storing(3, 300)
  storing(3, 300)
  expect(eventsOf(reader)).toMatchObject([
    {
      event: 'state',
      id: expect.stringMatching(/-1$/),
      data: { state: 'storing', links: { self: '/job/a' } },
    },
    { event: 'progress', id: undefined, data: { files: 1, bytes_per_second: null } },
    {
      event: 'progress',
      id: undefined,
      data: { job_uuid: 'a', files: 3, bytes: 300, total_files: 9, total_bytes: 900, bytes_per_second: 100 },
    },
  ])
})

test('a change during the read of a job is sent after it, once', async () => {
  const streams = start()
  const reader = collect()
  const asked = Promise.withResolvers<Job>()
  streams.openJob('a', () => asked.promise, reader)
  streams.changed(change('a', 'running'))
  asked.resolve(job('a', 'running'))
  streams.changed(change('a', 'storing'))
  await asked.promise
  streams.changed(change('a', 'succeeded'))
  expect(eventsOf(reader).map(({ data }) => data.state)).toEqual(['running', 'storing', 'succeeded'])
  expect(reader.ends).toBe(1)
})

test("the end of a job ends neither another job's stream nor the stream of all jobs", () => {
  const streams = start()
  const [all, other] = [collect(), collect()]
  streams.openAll(all)
  streams.openJob('b', async () => job('b', 'running'), other)
  streams.changed(change('a', 'succeeded'))
  expect([all.ends, other.ends, eventsOf(other)]).toEqual([0, 0, []])
})

test('a stalled reader is disconnected once 2 MiB wait for it, and other readers continue', () => {
  const streams = start()
  const [stalled, quick] = [collect(), collect()]
  stalled.takes = false
  streams.openAll(stalled)
  streams.openAll(quick)
  const message = 'x'.repeat(10_000)
  for (let number = 0; number < 300 && stalled.cuts === 0; number += 1) {
    streams.changed({
      ...change(`job-${number}`, 'running'),
      job: { ...job(`job-${number}`, 'running'), message },
    })
  }
  expect(stalled.cuts).toBe(1)
  expect(stalled.waiting).toBeLessThan(2.1 * 2 ** 20)
  expect([quick.cuts, eventsOf(quick).length]).toEqual([0, expect.any(Number)])
})

test('at least the last thousand events can be resumed, and older ones are dropped', () => {
  const streams = start()
  const reader = collect()
  streams.openAll(reader)
  for (let number = 0; number < 5000; number += 1) streams.changed(change(`job-${number}`, 'running'))
  const ids = eventsOf(reader).map(({ id }) => String(id))
  const back = (id: string | undefined) => {
    const again = collect()
    streams.openAll(again, id)
    return eventsOf(again)
  }
  expect(back(ids.at(-1000)).length).toBe(999)
  expect(back(ids[0])).toMatchObject([{ event: 'reset' }])
  expect(back(ids.at(-1))).toEqual([])
})

function start(): EventStreams {
  const streams = createEventStreams({ heartbeatSeconds: 60 })
  onTestFinished(() => streams.close())
  return streams
}

interface Collected extends StreamReader {
  chunks: Buffer[]
  takes: boolean
  ends: number
  cuts: number
}

function collect(): Collected {
  const chunks: Buffer[] = []
  return {
    chunks,
    takes: true,
    ends: 0,
    cuts: 0,
    write: (bytes: Buffer) => void chunks.push(bytes),
    get waiting() {
      return this.takes ? 0 : Buffer.concat(chunks).length
    },
    end() {
      this.ends += 1
    },
    cut() {
      this.cuts += 1
    },
  }
}

function eventsOf({ chunks }: { chunks: Buffer[] }) {
  const frames = Buffer.concat(chunks).toString().split('\n\n')
  return frames.flatMap((frame) => {
    const [, event] = /^event: (.*)$/m.exec(frame) ?? []
    const [, data] = /^data: (.*)$/m.exec(frame) ?? []
    const id = /^id: (.*)$/m.exec(frame)?.[1]
    return data === undefined ? [] : [{ id, event, data: JSON.parse(data) as Record<string, unknown> }]
  })
}

function change(uuid: string, state: State) {
  return { uuid, job: job(uuid, state), deleted: false, request: undefined }
}

function job(uuid: string, state: State): Job {
  return jobAnswer({ job_uuid: uuid, state, attempt: { number: 1, uid: 'x' } })
}
