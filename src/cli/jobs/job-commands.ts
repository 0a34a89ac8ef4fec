import process from 'node:process'
import { JobferryError } from '../../client/index.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { explainError } from '../explain-error.ts'
import type { Session } from '../session/session.ts'
import { shown } from '../terminal/format.ts'
import { jobExitCode } from './job-exit-code.ts'
import { jobTable, jobText } from './job-text.ts'

export interface ListCommandOptions {
  limit: string
  state?: string
  job?: string
  name?: string
  label?: string[]
  since?: string
  until?: string
}

/** `jobferry list`: the newest jobs. */
export async function list({ out, client }: Session, options: ListCommandOptions): Promise<number> {
  const { limit, label, ...filter } = options
  const most = numberOf('--limit', limit)
  const jobs = []
  for await (const job of client().list({ ...filter, labels: label })) {
    jobs.push(job)
    if (jobs.length >= most) break
  }
  if (out.json) out.value({ jobs })
  else out.line(jobTable(jobs))
  return 0
}

/** `jobferry status` */
export async function status({ out, client }: Session, id: string): Promise<number> {
  const job = await client().job(id)
  if (out.json) out.value(job)
  else out.line(jobText(job))
  return 0
}

/** `jobferry wait`: ends with the worker's exit code, as `run` does. */
export async function wait(
  { out, client }: Session,
  id: string,
  { timeout }: { timeout?: string },
): Promise<number> {
  const timeoutSeconds = timeout === undefined ? undefined : numberOf('--timeout', timeout)
  const job = await client().wait(id, { timeoutSeconds })
  const { state, reason, message } = job
  if (out.json) out.value(job)
  else out.line(shown([state, reason, message].filter((part) => part !== null).join(': ')))
  return jobExitCode(job)
}

export interface LogsOptions {
  follow?: boolean
  container?: 'worker' | 'uploader'
  step?: string
  attempt?: string
  tail?: string
}

/** `jobferry logs` */
export async function logs({ out, client }: Session, id: string, options: LogsOptions): Promise<number> {
  const { follow, container, step } = options
  const attempt = options.attempt === undefined ? undefined : numberOf('--attempt', options.attempt)
  const tail = options.tail === undefined ? undefined : numberOf('--tail', options.tail)
  const isOne = step !== undefined || attempt !== undefined
  const chunks =
    follow && !isOne
      ? client().followLog(id, { container, tail })
      : client().log(id, { container, step, attempt, tail, follow })
  for await (const chunk of chunks) await out.bytes(chunk, process.stdout)
  return 0
}

/** `jobferry cancel` */
export async function cancel({ out, client }: Session, ids: readonly string[]): Promise<number> {
  return await ofEach(out, ids, async (id) => {
    const job = await client().cancel(id)
    if (out.json) out.value(job)
    else out.note(`${id}: ${job.state}`)
  })
}

/** `jobferry delete` */
export async function remove({ out, client }: Session, ids: readonly string[]): Promise<number> {
  return await ofEach(out, ids, async (id) => {
    // DELETE is 204 for a job that was never there, too: a misspelt id would be missed.
    await client().job(id)
    await client().delete(id)
    if (out.json) out.value({ job_uuid: id, deleted: true })
    else out.note(`${id}: deleted`)
  })
}

/** Does what it can; the exit code is that of the first failure. */
async function ofEach(
  out: Session['out'],
  ids: readonly string[],
  work: (id: string) => Promise<void>,
): Promise<number> {
  let exitCode = 0
  for (const id of ids) {
    try {
      await work(id)
    } catch (error) {
      if (!(error instanceof JobferryError) || ids.length === 1) throw error
      const explained = explainError(error)
      if (explained.exitCode === exitCodes.unavailable) throw error
      out.warn(`${id}: ${explained.message}`)
      exitCode ||= explained.exitCode
    }
  }
  return exitCode
}

function numberOf(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw usageError(`${option} ${text}: is no whole number`)
}
