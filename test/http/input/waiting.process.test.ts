import { once } from 'node:events'
import { get } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'
import { untilFinal } from '../until-final.ts'

let api: RunningApi
afterEach(() => api?.close())

const listed = async () =>
  ((await call(api.url, { path: '/job' })).json() as { jobs: { job_uuid: string; state: string }[] }).jobs

test("/demo answers with the bytes of the default job's demo_file", async () => {
  api = await startApi({
    default: 'command: ["sh", "-c", "echo hello > $RESULT_DIRECTORY/hello.txt"]\ndemo_file: hello.txt',
  })
  const answer = await call(api.url, { path: '/demo' })
  expect(answer.status).toBe(200)
  expect(answer.body.toString()).toBe('hello\n')
  expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'content-length': '6' })
  expect(answer.headers.location).toMatch(/^\/job\/[0-9a-f-]{36}$/)
})

test('/demo answers 202 with Location if the job takes longer than DEMO_WAIT_SECONDS', async () => {
  const settings = { DEMO_WAIT_SECONDS: '1' }
  api = await startApi({ default: 'command: ["sleep", "60"]\ndemo_file: a\nstop_grace_seconds: 1' }, settings)
  const answer = await call(api.url, { path: '/demo' })
  expect(answer.status).toBe(202)
  expect(answer.headers['retry-after']).toMatch(/^\d+$/)
  const [job] = await listed()
  expect(answer.headers.location).toBe(`/job/${job?.job_uuid}`)
})

test('/demo answers 502 with the reason of a failed job', async () => {
  api = await startApi({ default: 'command: ["sh", "-c", "exit 7"]\ndemo_file: a' })
  const answer = await call(api.url, { path: '/demo' })
  expect(answer.json()).toMatchObject({ type: 'urn:jobferry:error:job-failed', status: 502 })
  expect(answer.body.toString()).toContain('Error')
})

test('/demo without a demo_file deploys nothing', async () => {
  api = await startApi({ default: 'command: ["true"]' })
  expect((await call(api.url, { path: '/demo' })).status).toBe(404)
  expect(await listed()).toEqual([])
})

test('a client disconnect from /demo leaves the job running', async () => {
  api = await startApi({ default: 'command: ["sh", "-c", "sleep 1"]\ndemo_file: a' })
  const req = get(`${api.url}/demo`, { agent: false })
  req.on('error', () => {})
  await expect.poll(listed).toHaveLength(1)
  req.destroy()
  const [job] = await listed()
  expect(await untilFinal(api.url, job?.job_uuid ?? '')).toMatchObject({ state: 'succeeded' })
})

test('shutdown aborts a followed log: a clean end would mark it as complete', async () => {
  const command = 'command: ["sh", "-c", "echo first; exec sleep 60"]\nstop_grace_seconds: 1'
  api = await startApi({ default: command }, { SHUTDOWN_SECONDS: '120' })
  const { job_uuid } = (await call(api.url, { path: '/job/deploy' })).json() as { job_uuid: string }
  const req = get(`${api.url}/job/${job_uuid}/log?follow=true`, { agent: false })
  const [res] = await once(req, 'response')
  // The reset raises an error on the request and on its response.
  req.on('error', () => {})
  const [first] = await once(res, 'data')
  expect(String(first)).toBe('first\n')
  const cut = once(res, 'error')
  const started = Date.now()
  await api.close()
  await cut
  expect(Date.now() - started).toBeLessThan(60_000)
})
