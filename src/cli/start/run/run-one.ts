import { exitCodes } from '../../exit-codes.ts'
import { jobExitCode } from '../../jobs/job-exit-code.ts'
import type { Session } from '../../session/session.ts'
import { deploy } from '../deploy.ts'
import type { Prepared } from '../prepare.ts'
import { followRun } from './follow-run.ts'
import { Detached, Interrupts } from './interrupts.ts'
import { jobResults } from './job-results.ts'
import type { RunOptions } from './run-options.ts'

/** Resolves with the worker's exit code. */
export async function runOne(session: Session, options: RunOptions, prepared: Prepared): Promise<number> {
  const { out, client } = session
  let id: string | undefined
  const interrupts = new Interrupts(out, async () => {
    if (id === undefined) throw new Error('the job is not deployed yet')
    await client().cancel(id)
  })
  try {
    const { signal } = interrupts
    id = (await deploy(session, prepared, 0, signal)).job_uuid
    out.note(`job ${id}`)
    const job = await followRun(session, id, { log: options.log, signal })
    const exitCode = interrupts.isCanceled ? exitCodes.interrupted : jobExitCode(job)
    const results = await jobResults(session, job, options, signal)
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
