import type { Job } from '../../client/index.ts'
import { exitCodes } from '../exit-codes.ts'

/** The worker's own exit code where it says why the job failed; 0 for a job that succeeded. */
export function jobExitCode({ state, exit_code }: Pick<Job, 'state' | 'exit_code'>): number {
  if (state === 'succeeded') return 0
  // Of a worker that ended well, in a job that failed afterwards, 0 would say the wrong thing.
  const isCode = exit_code !== null && exit_code > 0 && exit_code < 256
  return isCode ? exit_code : exitCodes.failed
}
