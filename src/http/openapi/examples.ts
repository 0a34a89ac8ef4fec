import type * as z from 'zod'
import { jobLinks } from '../../job/links.ts'
import type { jobAnswer } from '../answers/job-answers.ts'
import { exampleUuid } from './parameters.ts'

export const links = jobLinks(exampleUuid)

export const exampleJob: z.output<typeof jobAnswer> = {
  job_uuid: exampleUuid,
  job: 'analysis',
  name: 'rain 42',
  labels: { project: 'weather' },
  state: 'succeeded',
  phase: 'finished',
  reason: null,
  message: null,
  exit_code: 0,
  attempt: { number: 0, uid: '5e0c1a52-7f0e-4d57-8f0f-2f3a1d7b9c11' },
  created_at: '2026-11-29T08:00:00.000Z',
  started_at: '2026-11-29T08:00:04.000Z',
  finished_at: '2026-11-29T08:15:00.000Z',
  result: { state: 'complete', count: 2, bytes: 73_400_321 },
  links,
}

export const runningJob: z.output<typeof jobAnswer> = {
  ...exampleJob,
  state: 'running',
  phase: 'running',
  exit_code: null,
  finished_at: null,
  result: { state: null, count: null, bytes: null },
}

export const exampleSha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

export const exampleDelivery = {
  id: 'msg_5f0c1b',
  kind: 'callback',
  event: 'job.succeeded',
  url: 'https://receiver.example/jobs',
  created_at: '2026-11-29T08:15:00.000Z',
  state: 'delivered' as const,
  next_at: null,
  attempts: [{ at: '2026-11-29T08:15:00.100Z', milliseconds: 38, status: 204, error: null }],
}
