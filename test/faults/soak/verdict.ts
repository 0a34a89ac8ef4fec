import type { Job, Reason } from '../../../src/job/job.ts'
import type { Work } from './work.ts'

/** A fault that was aimed at one job's objects; those of the parts that all jobs share excuse (nearly) nothing. */
export type Aimed = 'evicted' | 'pod deleted' | 'Job deleted' | 'canceled'

/** A file as it was read, whole. */
export interface ReadFile {
  name: string
  size: number
  /** Its bytes are those that its worker writes, as far as they go. */
  right: boolean
}

/** What is wrong with a job's end, undefined where nothing is. `job` is undefined where it never became final. */
export function wrongWith(
  work: Work,
  aimed: readonly Aimed[],
  job: Job | undefined,
  files: readonly ReadFile[],
): string | undefined {
  if (job === undefined) return 'never became final'
  const wrong = files.find((file) => !file.right)
  if (wrong !== undefined) return `${wrong.name} has other bytes`
  const whole =
    files.length === work.files.size && files.every(({ name, size }) => work.files.get(name) === size)
  if (job.state === 'succeeded') {
    if (work.exitCode !== 0) return `succeeded though its worker exits with ${work.exitCode}`
    return whole && job.result.state === 'complete' ? undefined : 'succeeded without all of its files'
  }
  if (job.reason === null || !job.message) return `${job.state} without a reason`
  if (job.state === 'failed' && work.exitCode !== 0 && job.reason === 'Error') {
    if (aimed.length > 0) return undefined
    return whole && job.exit_code === work.exitCode ? undefined : 'failed by itself, without all of its files'
  }
  // Of those that all jobs share, one: a kubelet that is killed while its runtime starts the worker fails the Job.
  if (job.started_at === null && /broke off starting/.test(job.message) && job.reason === 'Interrupted')
    return undefined
  const excused = aimed.some((fault) => outcomes[fault].includes(job.reason as Reason))
  return excused ? undefined : `${job.state}, ${job.reason}: ${job.message}`
}

const outcomes: Readonly<Record<Aimed, readonly Reason[]>> = {
  evicted: ['Evicted', 'Interrupted', 'TooManyDisruptions'],
  // A deletion that nobody saw in the cluster was heard of by the uploader at most.
  'pod deleted': ['PodDeleted', 'Interrupted'],
  'Job deleted': ['JobDeleted'],
  canceled: ['Canceled'],
}
