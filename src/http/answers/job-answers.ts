import * as z from 'zod'
import { linkedJobSchema, linksSchema } from '../../job/links.ts'

export const jobAnswer = linkedJobSchema

export const jobListAnswer = z.strictObject({
  jobs: z.array(jobAnswer),
  next: z.string().nullable().describe('Link to the next page'),
})

const status = z.literal('job deployed')
const ignored = z
  .array(z.string())
  .describe('Fields of the request that have no effect here, as `cpu` without a cluster')
  .exactOptional()

/** Both parts have names in the document: some generators make no types of nameless parts. */
export const newJobAnswer = z.strictObject({
  status,
  job_uuid: z.uuid(),
  rerun_of: jobAnswer.shape.rerun_of,
  restarted_from: jobAnswer.shape.restarted_from,
  links: linksSchema,
  ignored,
})

/** Of a caller that waited for the job's end. */
export const awaitedJobAnswer = z.strictObject({ status, ...jobAnswer.shape, ignored })

export const deployAnswer = z.union([newJobAnswer, awaitedJobAnswer])

/** Of `dry_run`: what a deployment would make. */
export const previewAnswer = z.strictObject({
  dry_run: z.literal(true),
  request: z
    .record(z.string(), z.unknown())
    .describe(
      'Merged with the configured job and the defaults, in the form of a JobRequest; values of variables are hidden',
    ),
  manifest: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe('The Kubernetes Job that would be made; null without a cluster'),
  ignored,
})

export type PreviewAnswer = z.output<typeof previewAnswer>
export type DeployAnswer = z.output<typeof deployAnswer>
