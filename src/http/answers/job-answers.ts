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

/** With the whole job if the caller waited for its end. */
export const deployAnswer = z.union([
  z.strictObject({
    status,
    job_uuid: z.uuid(),
    rerun_of: jobAnswer.shape.rerun_of,
    links: linksSchema,
    ignored,
  }),
  z.strictObject({ status, ...jobAnswer.shape, ignored }),
])

export type DeployAnswer = z.output<typeof deployAnswer>
