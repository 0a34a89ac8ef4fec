import type { Job } from '../../job/job.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'

/** The end of a worker's log in an event. */
export interface LogTail {
  text: string
  /** Whether the beginning of the last lines is left out, since they are long. */
  cut: boolean
}

const mostBytes = 64 * 1024
const readMs = 5_000

/** The last lines; null if there are none, or they can't be read now. */
export async function logTail(
  { jobs, logLines }: { jobs: Pick<Jobs, 'log'>; logLines: number },
  { job_uuid: uuid, attempt }: Job,
): Promise<LogTail | null> {
  if (logLines === 0 || attempt === null) return null
  const signal = AbortSignal.timeout(readMs)
  try {
    const { stream } = await jobs.log(uuid, { container: 'worker', tail: logLines, signal })
    const end = () => stream.destroy()
    signal.addEventListener('abort', end, { once: true })
    let bytes = Buffer.alloc(0)
    let length = 0
    for await (const chunk of stream) {
      length += (chunk as Buffer).length
      bytes = Buffer.concat([bytes, chunk as Buffer]).subarray(-mostBytes)
    }
    // The log goes into JSON; a character that is cut at the beginning becomes U+FFFD.
    return { text: bytes.toString('utf8').toWellFormed(), cut: length > mostBytes }
  } catch {
    return null
  }
}
