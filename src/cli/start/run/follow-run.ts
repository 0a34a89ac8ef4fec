import process from 'node:process'
import type { Job, JobEvent } from '../../../client/index.ts'
import { hasCode, isFinal, JobferryError } from '../../../client/index.ts'
import type { Session } from '../../session/session.ts'
import { shown } from '../../terminal/format.ts'

/** Shows a job's states, progress and log up to its end. */
export async function followRun(
  { out, client }: Session,
  id: string,
  { log, signal }: { log: boolean; signal: AbortSignal },
): Promise<Job> {
  const shownLog = log ? showLog() : Promise.resolve()
  // Its error is seen below, after the job's end.
  shownLog.catch(() => {})
  let last = ''
  for await (const event of client().follow(id, signal)) {
    const text = textOf(event)
    if (event.type === 'progress') {
      const {
        bytes,
        files,
        total_bytes: totalBytes = bytes,
        total_files: totalFiles = files,
      } = event.progress
      out.progress('storing', { bytes, totalBytes, files, totalFiles })
    } else if (text !== last && !isEnd(event)) out.note(out.colored('dim', text))
    last = text
  }
  out.endProgress()
  await shownLog.catch((error: unknown) => {
    signal.throwIfAborted()
    out.warn(`the log broke off: ${(error as Error).message}`)
  })
  try {
    return await client().wait(id, { signal })
  } catch (error) {
    if (hasCode(error, 'not-found')) throw new JobferryError('not-found', `job ${id} was deleted meanwhile`)
    throw error
  }

  async function showLog(): Promise<void> {
    // With --json standard output is for the answer alone.
    const stream = out.json ? process.stderr : process.stdout
    for await (const chunk of client().followLog(id, { signal })) await out.bytes(chunk, stream)
  }
}

/** What is said of the end follows it. */
function isEnd(event: JobEvent): boolean {
  return event.type === 'state' && isFinal(event.job.state)
}

function textOf(event: JobEvent): string {
  if (event.type !== 'state') return event.type
  const { state, attempt, reason, message } = event.job
  const further = attempt !== null && attempt.number > 1 ? ` (attempt ${attempt.number})` : ''
  // Of a running job without a reason: its step.
  const said = reason !== null || state === 'running' ? [reason, message] : []
  const why = said.flatMap((part) => (part === null ? [] : `: ${part}`)).join('')
  return shown(`${state}${further}${why}`)
}
