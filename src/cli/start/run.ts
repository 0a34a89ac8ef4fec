import type { Job } from '../../client/index.ts'
import { exitCodes } from '../exit-codes.ts'
import { jobExitCode } from '../jobs/job-exit-code.ts'
import { fetchResults } from '../results/fetch-results.ts'
import type { Session } from '../session/session.ts'
import { shown } from '../terminal/format.ts'
import { type DeployCommandOptions, deploy } from './deploy.ts'
import { followRun } from './follow-run.ts'
import { Detached, Interrupts } from './interrupts.ts'

export interface RunOptions extends DeployCommandOptions {
  /** A folder; false with --no-output. */
  output?: string | false
  /** False with --no-log. */
  log: boolean
  parallel?: string
}

/** `jobferry run`: ends with the worker's exit code. */
export async function run(
  session: Session,
  options: RunOptions,
  command: readonly string[],
): Promise<number> {
  const { out, client } = session
  let id: string | undefined
  const interrupts = new Interrupts(out, async () => {
    if (id === undefined) throw new Error('the job is not deployed yet')
    await client().cancel(id)
  })
  try {
    const { signal } = interrupts
    id = (await deploy(session, options, command, signal)).job_uuid
    out.note(`job ${id}`)
    const job = await followRun(session, id, { log: options.log, signal })
    const exitCode = interrupts.isCanceled ? exitCodes.interrupted : jobExitCode(job)
    const results = await resultsOf(session, job, options, signal)
    if (out.json) out.value({ ...job, directory: results.directory })
    else if (results.directory !== undefined) out.line(results.directory)
    return exitCode === 0 ? results.exitCode : exitCode
  } catch (error) {
    if (!(error instanceof Detached) && !interrupts.signal.aborted) throw error
    const next = id === undefined ? 'no job was made' : `the job goes on: jobferry wait ${id}`
    out.warn(interrupts.isCanceled ? `the job is being canceled: jobferry status ${id}` : next)
    return exitCodes.interrupted
  } finally {
    interrupts.end()
  }
}

async function resultsOf(
  session: Session,
  job: Job,
  { output, parallel }: RunOptions,
  signal: AbortSignal,
): Promise<{ directory?: string; exitCode: number }> {
  const { state, reason, message, result } = job
  const why = reason === null ? '' : `: ${reason}${message === null ? '' : `: ${message}`}`
  const text = shown(`${state}${why}`)
  if (state === 'succeeded') session.out.note(session.out.colored('green', text))
  else session.out.warn(session.out.colored('red', text))
  if (output === false) return { exitCode: 0 }
  if (result.state !== 'complete' && result.state !== 'partial') {
    session.out.note('the job left no results')
    return { exitCode: 0 }
  }
  return await fetchResults(session, job.job_uuid, { output, parallel, signal })
}
