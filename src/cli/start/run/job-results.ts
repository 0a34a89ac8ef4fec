import { join } from 'node:path'
import type { Job } from '../../../client/index.ts'
import { fetchResults } from '../../results/fetch-results.ts'
import type { Session } from '../../session/session.ts'
import { shown } from '../../terminal/format.ts'
import type { RunOptions } from './run-options.ts'

/** Says how a job ended, and fetches its results; `number` is the job's place among several. */
export async function jobResults(
  session: Session,
  job: Job,
  { output, parallel }: Pick<RunOptions, 'output' | 'parallel'>,
  signal: AbortSignal,
  number?: number,
): Promise<{ directory?: string; exitCode: number }> {
  const { state, reason, message, result } = job
  const which = number === undefined ? '' : `job ${number}: `
  const why = reason === null ? '' : `: ${reason}${message === null ? '' : `: ${message}`}`
  const text = shown(`${which}${state}${why}`)
  if (state === 'succeeded') session.out.note(session.out.colored('green', text))
  else session.out.warn(session.out.colored('red', text))
  if (output === false) return { exitCode: 0 }
  if (result.state !== 'complete' && result.state !== 'partial') {
    session.out.note(`${which}the job left no results`)
    return { exitCode: 0 }
  }
  const folder = output === undefined || number === undefined ? output : join(output, String(number))
  return await fetchResults(session, job.job_uuid, { output: folder, parallel, signal })
}
