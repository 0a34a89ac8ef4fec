import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const script = 'echo "try $(ls .. | wc -l) of $$" && exit 1'
let api: RunningApi

beforeAll(async () => {
  const job = (keep: number) =>
    `command: ["sh", "-c", ${JSON.stringify(script)}]\nretries: 2\nkeep_seconds: ${keep}`
  api = await startApi({ kept: job(3600), released: job(0) })
}, 60_000)
afterAll(() => api?.close())

async function deployed(job: string): Promise<string> {
  const { json } = await call(api.url, { path: `/job/deploy?job=${job}&wait=50` })
  return (json() as { job_uuid: string }).job_uuid
}

test.each(['kept', 'released'])(
  'the logs of all attempts of a job that is %s can be read',
  async (job) => {
    const uuid = await deployed(job)
    const log = (query: string) => call(api.url, { path: `/job/${uuid}/log${query}` })
    await expect.poll(() => api.stored()).toContainEqual(expect.stringContaining(`${uuid}/log/2/worker.txt`))
    const texts = []
    for (const attempt of [1, 2, 3]) {
      const answer = await log(`?attempt=${attempt}`)
      expect(answer.status).toBe(200)
      texts.push(answer.body.toString())
      expect((await log(`?attempt=${attempt}&container=uploader`)).status).toBe(200)
    }
    for (const text of texts) expect(text).toMatch(/^try \d+ of \d+\n$/)
    expect(new Set(texts).size).toBe(3)
    expect((await log('')).body.toString()).toBe(texts[2])
    expect((await log('?attempt=1&tail=0')).body.toString()).toBe('')
    expect((await log('?attempt=4')).status).toBe(404)
    expect((await log('?attempt=0')).json()).toMatchObject({ status: 400, errors: [{ field: 'attempt' }] })
  },
  120_000,
)

test('the logs of earlier attempts go with their job', async () => {
  const uuid = await deployed('kept')
  await expect.poll(() => api.stored()).toContainEqual(expect.stringContaining(`${uuid}/log/1/worker.txt`))
  expect((await call(api.url, { method: 'DELETE', path: `/job/${uuid}` })).status).toBeLessThan(300)
  await expect
    .poll(async () => (await api.stored()).filter((path) => path.includes(uuid)), { timeout: 60_000 })
    .toEqual([])
  expect((await call(api.url, { path: `/job/${uuid}/log?attempt=1` })).status).toBe(404)
}, 120_000)
