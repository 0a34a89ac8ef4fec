import { expect, test } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { openEvents } from '../support/event-stream.ts'
import { startIdleProxy } from '../support/idle-proxy.ts'
import { startReceiver } from '../support/receiver.ts'
import { call } from './client.ts'
import { startApi } from './running.ts'

test('a job that takes longer than a proxy waits is waited for in each of the three ways', async () => {
  await using receiver = await startReceiver()
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`
  const settings = { CALLBACK_SECRETS: `*: ${secret}`, EVENT_HEARTBEAT_SECONDS: '1', WAIT_MAX_SECONDS: '1' }
  const api = await startApi({ long: 'command: [sh, -c, "sleep 7"]' }, settings)
  await using proxy = await startIdleProxy(api.url, 3000)
  // Through the proxy too: what is silent for longer than 3 s would not come back.
  const query = new URLSearchParams({ job: 'long', callback: receiver.url })
  const deployed = await call(proxy.url, { path: `/job/deploy?${query}` })
  const { job_uuid: uuid } = deployed.json() as { job_uuid: string }

  const polled = pollUntilFinal(proxy.url, uuid)
  const stream = await openEvents(`${proxy.url}/job/${uuid}/events`)
  expect(await stream.ended).toBe('ended')
  const [called] = await receiver.until(1)

  expect(stream.events.at(-1)?.data).toMatchObject({ state: 'succeeded' })
  expect(stream.heartbeats).toBeGreaterThan(3)
  expect(await polled).toMatchObject({ state: 'succeeded' })
  expect(JSON.parse(called?.body ?? '')).toMatchObject({ type: 'job.succeeded', data: { job_uuid: uuid } })
  expect(proxy.cuts).toBe(0)
  await api.close()
})

async function pollUntilFinal(url: string, uuid: string): Promise<Job> {
  for (;;) {
    const answer = await call(url, { path: `/job/${uuid}?wait=30` })
    expect(answer.status).toBe(200)
    const job = answer.json() as Job
    if (!['queued', 'preparing', 'running', 'storing'].includes(job.state)) return job
  }
}
