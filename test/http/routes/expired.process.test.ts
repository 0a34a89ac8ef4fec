import { afterEach, expect, test } from 'vitest'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'
import { untilFinal } from '../until-final.ts'

let api: RunningApi
afterEach(() => api?.close())

const short =
  'command: ["sh", "-c", "echo kept; echo x > $RESULT_DIRECTORY/x"]\nresult_keep_seconds: 2\nkeep_seconds: 0'

test('an expired result answers 410 at once, even before its objects are removed', async () => {
  api = await startApi({ default: short })
  const uuid = await deploy({ 'Idempotency-Key': 'once' })
  expect(await untilFinal(api.url, uuid)).toMatchObject({ state: 'succeeded' })
  const shown = await expect
    .poll(() => job(uuid))
    .toMatchObject({ result: { expires_at: expect.stringMatching(/^2\d{3}-.*Z$/) } })
    .then(() => job(uuid))
  const at = String(shown.result.expires_at)

  await expect.poll(async () => (await job(uuid)).result.state).toBe('expired')
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at))
  expect((await api.stored()).some((path) => path.endsWith('manifest.ndjson'))).toBe(true)
  for (const path of ['/result/list', '/result', '/result?file=x', '/log']) {
    const answer = await call(api.url, { path: `/job/${uuid}${path}` })
    expect(answer.status).toBe(410)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ type: 'urn:jobferry:error:expired', status: 410 })
    expect(answer.body.toString()).toContain(at)
  }
  expect(await job(uuid)).toMatchObject({
    state: 'succeeded',
    result: { count: 1, bytes: 2, expires_at: at },
  })
  const { jobs } = (await call(api.url, { path: '/job' })).json() as { jobs: unknown[] }
  expect(jobs).toMatchObject([{ job_uuid: uuid, result: { state: 'expired' } }])
  // The Idempotency-Key still belongs to this job; only deleting the job frees it for a new one.
  expect(await deploy({ 'Idempotency-Key': 'once' })).toBe(uuid)
  expect((await call(api.url, { method: 'DELETE', path: `/job/${uuid}` })).status).toBe(204)
  expect(await api.stored()).toEqual([])
})

async function deploy(headers: Record<string, string>): Promise<string> {
  const answer = await call(api.url, { path: '/job/deploy', headers })
  return (answer.json() as { job_uuid: string }).job_uuid
}

interface Shown {
  result: { state: string; expires_at?: string }
}

async function job(uuid: string): Promise<Shown> {
  return (await call(api.url, { path: `/job/${uuid}` })).json() as Shown
}
