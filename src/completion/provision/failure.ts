import type { Job } from '../../job/job.ts'
import type { Provision } from './stored-provision.ts'

/** Why a job that has ended gives a transfer nothing; undefined where it does. */
export function failureOf(
  { own, dataset }: Pick<Provision, 'own' | 'dataset'>,
  job: Job,
): string | undefined {
  const { job_uuid: uuid, state, result } = job
  // Results that were asked for by their job's id are given as they are.
  if (!own && result.state === 'partial') return undefined
  if (state !== 'succeeded') {
    const why = [job.reason, job.message].filter((part) => part !== null).join(': ')
    return `job ${uuid} ${state}${why && `: ${why}`}`
  }
  // Who gets a tar from a connector sees no header that tells of it.
  if (dataset.file === undefined && result.state === 'partial') {
    return `job ${uuid} succeeded, but not all of its files could be stored`
  }
  return undefined
}
