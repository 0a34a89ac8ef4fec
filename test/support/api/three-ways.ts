import { expect } from 'vitest'
import { isFinal, type Job } from '../../../src/job/job.ts'
import { startReceiver } from '../connector/receiver.ts'
import { openEvents } from './event-stream.ts'
import { getJson, postJson } from './http.ts'
import { startIdleProxy } from './idle-proxy.ts'

export interface Lengths {
  jobSeconds: number
  /** The proxy's idle timeout. */
  idleSeconds: number
}

/**
 * The API's settings for a proxy's idle timeout; for the usual 60 s they equal the API's defaults.
 */
export function settingsFor({ idleSeconds }: Lengths): Record<string, string> {
  return {
    CALLBACK_SECRETS: `*: whsec_${Buffer.alloc(32).toString('base64')}`,
    OUTGOING_ALLOW: 'any',
    WAIT_MAX_SECONDS: String(Math.floor((idleSeconds * 5) / 6)),
    EVENT_HEARTBEAT_SECONDS: String(Math.ceil(idleSeconds / 4)),
  }
}

/**
 * Deploys a job of `jobSeconds` through a proxy; polls it, reads
 * its events and awaits its callback.
 */
export async function waitInThreeWays(api: string, request: object, lengths: Lengths): Promise<void> {
  const { jobSeconds, idleSeconds } = lengths
  await using receiver = await startReceiver()
  await using proxy = await startIdleProxy(api, idleSeconds * 1000)
  const deploy = `${proxy.url}/job/deploy?wait=${jobSeconds}`
  const deployed = await postJson(deploy, { ...request, callback: receiver.url })
  expect(deployed).toMatchObject({ status: 201, body: { finished_at: null } })
  const uuid = String(deployed.body.job_uuid)

  const polled = pollUntilFinal(proxy.url, uuid)
  const stream = await openEvents(`${proxy.url}/job/${uuid}/events`)
  expect(await stream.ended).toBe('ended')
  const [called] = await receiver.until(1)

  expect(stream.events.at(-1)?.data).toMatchObject({ state: 'succeeded' })
  expect(stream.heartbeats).toBeGreaterThan(0)
  const job = await polled
  expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
  expect(JSON.parse(called?.body ?? '')).toMatchObject({ type: 'job.succeeded', data: { job_uuid: uuid } })
  // Kubernetes' times are whole seconds.
  expect(ranFor(job)).toBeGreaterThanOrEqual(jobSeconds - 1)
  expect(proxy.cuts).toBe(0)
}

async function pollUntilFinal(url: string, uuid: string): Promise<Job> {
  for (;;) {
    // Longer than the API's maximum wait.
    const job = await getJson<Job>(`${url}/job/${uuid}?wait=3600`)
    if (isFinal(job.state)) return job
  }
}

function ranFor({ started_at: start, finished_at: end }: Job): number {
  return (Date.parse(end ?? '') - Date.parse(start ?? '')) / 1000
}
