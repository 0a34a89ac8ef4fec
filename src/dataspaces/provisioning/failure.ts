import type { Job } from '../../job/job.ts'
import type { Provision } from './stored-provision.ts'

/** Why an ended job has no data for a transfer; undefined if it has. */
export function failureOf(
  { own, dataset }: Pick<Provision, 'own' | 'dataset'>,
  job: Job,
): string | undefined {
  const { job_uuid: uuid, state, result } = job
  // A request by the job's id gets the results as they are.
  if (!own && result.state === 'partial') return undefined
  if (state !== 'succeeded') {
    const why = [job.reason, job.message].filter((part) => part !== null).join(': ')
    return `job ${uuid} ${state}${why && `: ${why}`}`
  }
  // A tar that passes through a connector has no header that says `partial`.
  if (dataset.file === undefined && result.state === 'partial') {
    return `job ${uuid} succeeded, but not all of its files could be stored`
  }
  return undefined
}
