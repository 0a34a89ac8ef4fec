import type { Job } from '../../../src/job/job.ts'

export const at = '2026-11-29T10:00:00.000Z'
export const waiting = { state: 'waiting', exit_code: null, started_at: null, finished_at: null } as const
export const running = { ...waiting, state: 'running', started_at: at } as const
export const done = { ...running, state: 'succeeded', exit_code: 0, finished_at: at } as const

/** A job that has been running since `at`. */
export function runningJob(given: Partial<Job>): Job {
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
