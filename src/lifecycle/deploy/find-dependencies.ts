import type { Dependency } from '../../job/dependencies/dependency-schema.ts'
import { verdictOn } from '../../job/dependencies/dependency-verdict.ts'
import type { Job } from '../../job/job.ts'
import { type FieldError, invalidFields } from '../../util/errors.ts'

export interface DependencyParts {
  findJob(uuid: string): Promise<Job | undefined>
  /** Name of the caller's token; null without one. */
  caller: string | null
}

/**
 * The jobs that are to be waited for; undefined if all have ended as they should. One that can't end
 * so any more is among them: it fails the job, as it would a moment later. Rejects with a Problem
 * `invalid-request` that names each one that is no job of this caller.
 */
export async function findDependencies(
  dependencies: readonly Dependency[],
  { findJob, caller }: DependencyParts,
): Promise<{ jobs: string[] } | undefined> {
  const errors: FieldError[] = []
  const jobs: string[] = []
  for (const [index, { job_uuid: uuid, on }] of dependencies.entries()) {
    const job = await findJob(uuid)
    // Another caller's job is answered as one that isn't there.
    if (job === undefined || (job.made_by ?? null) !== caller) {
      errors.push({
        field: `depends_on[${index}].job_uuid`,
        problem: 'names no job of this caller',
        expected: 'the job_uuid of a job made with this token, and not deleted',
      })
    } else if (verdictOn(job, on) !== 'met') jobs.push(uuid)
  }
  if (errors.length > 0) throw invalidFields(errors)
  return jobs.length === 0 ? undefined : { jobs }
}
