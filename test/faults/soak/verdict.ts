import type { Job, Reason } from '../../../src/job/job.ts'
import type { Work } from './work.ts'

/** A fault aimed at one job's objects. A fault of a shared part excuses no failure. */
export type Aimed = 'evicted' | 'pod deleted' | 'Job deleted' | 'canceled'

/** A result file after its whole download. */
export interface ReadFile {
  name: string
  size: number
  /** True if its bytes are a prefix of the bytes that its worker writes. */
  right: boolean
}

/**
 * Describes the error in a job's end, undefined if it is right.
 * `job` is undefined if it never ended.
 */
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
  const excused = aimed.some((fault) => outcomes[fault].includes(job.reason as Reason))
  return excused ? undefined : `${job.state}, ${job.reason}: ${job.message}`
}

/** A job's end and the files that were expected and found, as a wrong outcome's line shows them. */
export function endOf(work: Work, job: Job | undefined, files: readonly ReadFile[]): string {
  if (job === undefined) return 'no end'
  const { state, reason, message, exit_code, attempt, started_at, finished_at, result } = job
  const expected = Array.from(work.files, ([name, size]) => ({ name, size }))
  const facts = {
    state,
    reason,
    message,
    exit_code,
    expected_exit_code: work.exitCode,
    attempt: attempt?.number,
  }
  const times = { started_at, finished_at, result_state: result.state }
  return JSON.stringify({ ...facts, ...times, expected: sizes(expected), found: sizes(files) })
}

/** The first names with their sizes: the 300 files of `many` would hide the line's other facts. */
function sizes(files: readonly Pick<ReadFile, 'name' | 'size'>[]): string {
  const first = files.slice(0, 8).map(({ name, size }) => `${name}=${size}`)
  return [`${files.length} files`, ...first].join(' ')
}

const outcomes: Readonly<Record<Aimed, readonly Reason[]>> = {
  evicted: ['Evicted', 'Interrupted', 'TooManyDisruptions'],
  // If no watch delivered the deletion, the API knows at most the uploader's report: Interrupted.
  'pod deleted': ['PodDeleted', 'Interrupted'],
  'Job deleted': ['JobDeleted'],
  canceled: ['Canceled'],
}
