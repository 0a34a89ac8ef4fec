import { setTimeout as sleep } from 'node:timers/promises'
import { call } from './client.ts'

export interface JobAnswer {
  job_uuid: string
  state: string
  reason: string | null
  result: { state: string | null; count: number | null; bytes: number | null }
}

/** The job once it is final or in a state of `also`. Throws after a minute. */
export async function untilFinal(url: string, id: string, ...also: string[]): Promise<JobAnswer> {
  const end = Date.now() + 60_000
  for (;;) {
    const job = (await call(url, { path: `/job/${id}` })).json() as JobAnswer
    if ([...also, 'succeeded', 'failed', 'canceled'].includes(job.state)) return job
    if (Date.now() > end) throw new Error(`the job is still ${job.state}`)
    await sleep(50)
  }
}
