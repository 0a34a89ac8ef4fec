import { expect, test } from 'vitest'
import type { Job, State } from '../../../src/job/job.ts'
import { callbackMessage } from '../../../src/notifications/callbacks/callback-message.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'

const callback = { url: 'http://receiver/', events: [], token: null }

test("the seq of callbacks follows the order of a job's states over several attempts", () => {
  const keys = [
    seen('queued', undefined),
    seen('preparing', 1),
    seen('running', 1),
    seen('storing', 1),
    seen('queued', 1, 'a disruption ended the first'),
    seen('preparing', 2),
    seen('running', 2),
    seen('failed', 2),
  ].map((job) => callbackMessage(job, callback, 0).seq ?? 0)
  expect(keys).toEqual(keys.toSorted((a, b) => a - b))
  expect(new Set(keys).size).toBe(keys.length)
})

test('a queued job has one callback id for each attempt, before and after its pod exists', () => {
  const idOf = (job: Job) => callbackMessage(job, callback, 0).id
  expect(idOf(seen('queued', 1))).toBe(idOf(seen('queued', undefined)))
  expect(idOf(seen('queued', 2))).toBe(idOf(seen('queued', 1, 'the first has ended')))
  expect(idOf(seen('queued', 2))).not.toBe(idOf(seen('queued', 1)))
})

/** A job in this state; with a message, its worker has started. */
function seen(state: State, number: number | undefined, message: string | null = null): Job {
  const attempt = number === undefined ? null : { number, uid: `attempt-${number}` }
  const started_at = message === null ? null : '2026-11-21T06:00:00.000Z'
  return jobAnswer({ job_uuid: 'a', state, message, attempt, started_at })
}
