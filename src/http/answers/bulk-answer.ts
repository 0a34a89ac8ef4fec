import * as z from 'zod'
import { jobSchema } from '../../job/job.ts'
import type { ActedJob } from '../../lifecycle/finding/act-on-jobs.ts'
import { schemaOf } from './schema-of.ts'

const { job_uuid, job, name, labels, state, created_at } = jobSchema.shape

const actedJob = schemaOf<ActedJob>()(
  z.strictObject({
    job_uuid,
    job,
    name,
    labels,
    state: state.describe('Before the call'),
    created_at,
    done: z.boolean().describe('False in a dry run, which does nothing, with an `error` and with `skipped`'),
    skipped: z
      .literal(true)
      .describe('The filters did not find the job any more when its turn came: it was left alone')
      .exactOptional(),
    error: z
      .strictObject({ code: z.string(), detail: z.string() })
      .describe('Why this job was not canceled or deleted')
      .exactOptional(),
  }),
)

/** Of a call that cancels or deletes all jobs that its filters find. */
export const bulkAnswer = z.strictObject({
  action: z.enum(['cancel', 'delete']),
  dry_run: z.boolean(),
  jobs: z.array(actedJob).describe('Newest first: what the filters found and the action is for'),
  failed: z.int().min(0).describe('Number of jobs with an `error`'),
  more: z.boolean().describe('There may be further jobs: go on with `next`'),
  next: z.string().nullable().describe('Where to send the call for further jobs; null: that was all'),
})

export type BulkAnswer = z.output<typeof bulkAnswer>
