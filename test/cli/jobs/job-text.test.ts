import { expect, it } from 'vitest'
import { jobText } from '../../../src/cli/jobs/job-text.ts'
import type { Job } from '../../../src/client/index.ts'
import { withLinks } from '../../../src/job/links.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'

const job: Job = withLinks(
  jobAnswer({
    job_uuid: '11111111-1111-4111-8111-111111111111',
    state: 'succeeded',
    history: [
      { state: 'queued', time: '2026-11-29T08:00:00.000Z', attempt: null, reason: null },
      { state: 'running', time: '2026-11-29T08:00:04.000Z', attempt: 1, reason: null, step: 'stage' },
      { state: 'queued', time: '2026-11-29T08:02:10.000Z', attempt: 1, reason: 'Evicted' },
      { state: 'running', time: '2026-11-29T08:03:00.000Z', attempt: 2, reason: null, step: 'stage' },
    ],
    usage: {
      ...{ queued_seconds: 54, pulling_seconds: null, fetching_seconds: null, running_seconds: 3700 },
      ...{
        storing_seconds: 2,
        input_bytes: 12,
        output_bytes: 2048,
        node: 'node-a',
        images: ['x@sha256:1', null],
      },
      ...{ peak_memory_bytes: null, cpu_seconds: 1.5 },
    },
  }),
)

it('shows what happened, a line for each transition, and what is known of what it took', () => {
  const lines = jobText(job).split('\n')
  expect(lines.slice(-9)).toEqual([
    'created  2026-11-21T06:00:00.000Z',
    'times    54 s queued, 1 h 01 min running, 2 s storing',
    'used     12 B in, 2.0 KiB out, 1.5 s of CPU',
    'node     node-a',
    'image    x@sha256:1',
    'history  2026-11-29T08:00:00.000Z  queued',
    '         2026-11-29T08:00:04.000Z  running stage  4 s later',
    '         2026-11-29T08:02:10.000Z  queued, Evicted  2 min 06 s later',
    '         2026-11-29T08:03:00.000Z  running stage, attempt 2  50 s later',
  ])
})

it('shows a job of an older server without them', () => {
  const { history: _, usage: __, ...older } = job
  expect(jobText(older)).not.toMatch(/history|times/)
})
