import { expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { endPlace, eventsOf, progressEvent } from '../../../src/messaging/outgoing/job-events.ts'
import { at, done, runningJob as job, running, waiting } from './running-job.ts'

/** Progress that is written so many seconds after the job's start. */
function said(percent: number, seconds = 0) {
  const updated = new Date(Date.parse(at) + seconds * 1000).toISOString()
  return { percent, message: null, updated_at: updated }
}

it('a story of two steps and their progress has its places in order', () => {
  const first = [
    { name: 'a', ...running },
    { name: 'b', ...waiting },
  ]
  const second = [
    { name: 'a', ...done },
    { name: 'b', ...running, started_at: said(0, 3_000_000).updated_at },
  ]
  const ended = [
    { name: 'a', ...done },
    { name: 'b', ...done },
  ]
  const told = [
    ...eventsOf(job({ state: 'queued', attempt: null, started_at: null })),
    ...eventsOf(job({ state: 'preparing', started_at: null })),
    ...eventsOf(job({ steps: first })),
    progressEvent(job({ steps: first, progress: said(10, 5) })),
    progressEvent(job({ steps: first, progress: said(20, 100_000) })),
    ...eventsOf(job({ steps: second })).slice(2),
    progressEvent(job({ steps: second, progress: said(30, 4_000_000) })),
    ...eventsOf(job({ state: 'storing', steps: ended })).slice(3),
    ...eventsOf(job({ state: 'queued', attempt: { number: 1, uid: 'a' } })),
    ...eventsOf(job({ attempt: { number: 2, uid: 'b' } })),
  ]
  const places = told.map((event) => event?.place ?? -1)
  expect(places).toEqual([...places].sort((a, b) => a - b))
  expect(new Set(told.map((event) => event?.name)).size).toBe(told.length)
  expect(Math.max(...places)).toBeLessThan(endPlace)
})

it('an event found again has the same name, and another attempt of a step another one', () => {
  const names = (given: Partial<Job>) => eventsOf(job(given)).map(({ name }) => name)
  const steps = [{ name: 'a', ...done }]
  expect(names({ steps })).toEqual(names({ steps }))
  expect(names({ steps, attempt: { number: 2, uid: 'b' } })).not.toEqual(
    expect.arrayContaining([names({ steps })[1]]),
  )
})

it('orders progress by its time, whichever process finds it, and over a year of a job', () => {
  const first = { name: 'a', ...running }
  const later = { name: 'b', ...running, started_at: said(0, 50).updated_at }
  const early = { progress: said(10, 20) }
  const alone = progressEvent(job({ ...early, steps: [first] }))
  expect(progressEvent(job({ ...early, steps: [first, later] }))).toEqual(alone)
  const year = 365 * 86_400
  const places = [0, 1, 20, 3_000, year / 10, year / 10 + 1].map(
    (seconds) => progressEvent(job({ progress: said(1, seconds) }))?.place ?? -1,
  )
  expect(places).toEqual([...new Set(places)].sort((a, b) => a - b))
})

it('tells nothing of a job that has ended: its end is told by itself', () => {
  expect(eventsOf(job({ state: 'failed' }))).toEqual([])
  expect(progressEvent(job({ state: 'failed', progress: said(10) }))).toBeUndefined()
})
