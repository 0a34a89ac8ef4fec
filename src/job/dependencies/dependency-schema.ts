import * as z from 'zod'
import { isJobUuid } from '../job-uuid.ts'
import * as s from '../request/field-schemas.ts'

const mostDependencies = 32
const members = 'job_uuid and on, like {"job_uuid": "…", "on": "success"}'
const uuidExpected = 'the job_uuid of a job, in lower case'

const dependency = z.strictObject(
  {
    job_uuid: z.string(uuidExpected).refine(isJobUuid, uuidExpected),
    on: z.enum(['success', 'end'], '"success" or "end"').default('success'),
  },
  `an object of ${members}`,
)

/** The jobs that a job waits for. They exist before it, so no two wait for each other. */
export const dependencies = z
  .array(dependency, `a list of objects of ${members}`)
  .max(mostDependencies, `at most ${mostDependencies} jobs`)
  .superRefine(s.withoutRepeats('job_uuid', (earlier) => `another job than that of depends_on[${earlier}]`))

export type Dependency = z.output<typeof dependency>
