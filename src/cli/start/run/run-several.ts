import { exitCodes } from '../../exit-codes.ts'
import { jobExitCode } from '../../jobs/job-exit-code.ts'
import type { Session } from '../../session/session.ts'
import { deploy } from '../deploy.ts'
import type { Prepared } from '../prepare.ts'
import { sharingInputs } from '../share-inputs.ts'
import { Detached, Interrupts } from './interrupts.ts'
import { jobResults } from './job-results.ts'
import type { RunOptions } from './run-options.ts'

const defaultMost = 16

/**
 * Runs a job for each request, without their logs, and fetches the results of the first one into the
 * folder 1 of `output`, of the second one into 2. Resolves with the exit code of the first job that has
 * not succeeded.
 */
export async function runSeveral(session: Session, options: RunOptions, prepared: Prepared): Promise<number> {
  const { out, client } = session
  const { requests, mostAtOnce = defaultMost } = prepared
  /** Of jobs that were made and have not ended. */
  const live = new Set<string>()
  const exits: number[] = []
  const interrupts = new Interrupts(out, () => Promise.all([...live].map((id) => client().cancel(id))))
  const { signal } = interrupts
  const waiting = [...requests.keys()]
  let lastFetch = Promise.resolve()

  async function runNext(prepared: Prepared): Promise<void> {
    const index = interrupts.isCanceled ? undefined : waiting.shift()
    if (index === undefined) return
    const { job_uuid: id } = await deploy(session, prepared, index, signal)
    live.add(id)
    out.note(`job ${index + 1}: ${id}`)
    if (interrupts.isCanceled) await client().cancel(id)
    const job = await client().wait(id, { signal })
    live.delete(id)
    // One after the other: each uses several connections, and the one line of progress.
    lastFetch = lastFetch.then(async () => {
      const results = await jobResults(session, job, options, signal, index + 1)
      if (out.json) out.value({ ...job, directory: results.directory })
      else if (results.directory !== undefined) out.line(results.directory)
      exits[index] = jobExitCode(job) || results.exitCode
    })
    await lastFetch
    await runNext(prepared)
  }

  try {
    await sharingInputs(session, prepared, signal, async (shared) => {
      await Promise.all(Array.from({ length: Math.min(mostAtOnce, requests.length) }, () => runNext(shared)))
    })
    return interrupts.isCanceled ? exitCodes.interrupted : (exits.find((code) => code !== 0) ?? 0)
  } catch (error) {
    waiting.length = 0
    if (live.size > 0) out.warn(`jobs that go on: ${[...live].join(' ')}`)
    if (error instanceof Detached || signal.aborted) return exitCodes.interrupted
    throw error
  } finally {
    interrupts.end()
  }
}
