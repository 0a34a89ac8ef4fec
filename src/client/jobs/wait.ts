import { JobferryError } from '../errors.ts'
import type { Transport } from '../http/transport.ts'
import { isFinal, type Job } from '../types.ts'

export interface WaitOptions {
  /** Longest time, in seconds. Default: until the job has ended. */
  timeoutSeconds?: number | undefined
  signal?: AbortSignal | undefined
}

/** The server's default limit: many proxies cut silent connections after 60 s. */
const longestPoll = 50

/**
 * The job once it has ended, by long polls. Rejects with JobferryError `timeout`, and `not-found`
 * if it is deleted.
 */
export async function waitForEnd(
  transport: Transport,
  id: string,
  { timeoutSeconds = Number.POSITIVE_INFINITY, signal }: WaitOptions = {},
): Promise<Job> {
  const end = Date.now() + timeoutSeconds * 1000
  for (;;) {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000))
    const seconds = Math.min(longestPoll, left)
    const job = await transport.json<Job>(`/job/${encodeURIComponent(id)}?wait=${seconds}`, { signal })
    if (isFinal(job.state)) return job
    if (Date.now() >= end) {
      throw new JobferryError('timeout', `job ${id} is still ${job.state} after ${timeoutSeconds} s`)
    }
  }
}
