import { expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { endPlace, eventsOf, progressEvent } from '../../../src/messaging/outgoing/job-events.ts'

const at = '2026-11-29T10:00:00.000Z'
const waiting = { state: 'waiting', exit_code: null, started_at: null, finished_at: null } as const
const running = { ...waiting, state: 'running', started_at: at } as const
const done = { ...running, state: 'succeeded', exit_code: 0, finished_at: at } as const

function job(given: Partial<Job>): Job {
  return {
    job_uuid: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    job: null,
    phase: 'running',
    state: 'running',
    reason: null,
    message: null,
    exit_code: null,
    attempt: { number: 1, uid: 'a' },
    created_at: at,
    started_at: at,
    finished_at: null,
    result: { state: null, count: null, bytes: null },
    ...given,
  }
}

function said(percent: number) {
  return { percent, message: null, updated_at: at }
}

it('a story of two steps and their progress has its places in order', () => {
  const first = [
    { name: 'a', ...running },
    { name: 'b', ...waiting },
  ]
  const second = [
    { name: 'a', ...done },
    { name: 'b', ...running },
  ]
  const ended = [
    { name: 'a', ...done },
    { name: 'b', ...done },
  ]
  const told = [
    ...eventsOf(job({ state: 'queued', attempt: null, started_at: null })),
    ...eventsOf(job({ state: 'preparing', started_at: null })),
    ...eventsOf(job({ steps: first })),
    progressEvent(job({ steps: first, progress: said(10) }), 1),
    progressEvent(job({ steps: first, progress: said(20) }), 2),
    ...eventsOf(job({ steps: second })).slice(2),
    progressEvent(job({ steps: second, progress: said(30) }), 3),
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

it('tells nothing of a job that has ended: its end is told by itself', () => {
  expect(eventsOf(job({ state: 'failed' }))).toEqual([])
  expect(progressEvent(job({ state: 'failed', progress: said(10) }), 1)).toBeUndefined()
})
