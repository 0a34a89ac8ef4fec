import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, deployJson } from '../http/client.ts'
import { type RunningApi, startApi } from '../http/running.ts'
import { untilFinal } from '../http/until-final.ts'

const make = `command: ["sh", "-c", "cd $RESULT_DIRECTORY; echo 1 >a.csv; mkdir tmp; echo 2 >tmp/b; exit $CODE"]
env: {CODE: "0"}
`
let api: RunningApi

beforeAll(async () => {
  api = await startApi({ make })
})
afterAll(() => api?.close())

async function ended(outputs: object, code = '0') {
  const answer = await call(api.url, deployJson({ job: 'make', outputs, env: { CODE: code } }))
  expect(answer.status).toBe(201)
  const { job_uuid: uuid } = answer.json() as { job_uuid: string }
  return { uuid, job: await untilFinal(api.url, uuid) }
}

async function pathsOf(uuid: string): Promise<unknown> {
  const { files } = (await call(api.url, { path: `/job/${uuid}/result/list` })).json() as {
    files: { path: string }[]
  }
  return files.map(({ path }) => path)
}

describe('outputs of a request', () => {
  it('leave out what is excluded', async () => {
    const { uuid, job } = await ended({ exclude: ['tmp'] })
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: 1, bytes: 2 } })
    expect(await pathsOf(uuid)).toEqual(['a.csv'])
  })

  it('fail a job that lacks a required one, and keep the rest', async () => {
    const { uuid, job } = await ended({ required: ['*.csv', 'report.pdf', '/x/'] })
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'OutputMissing',
      message: expect.stringContaining('"report.pdf", "/x/"'),
      exit_code: 0,
      result: { state: 'partial', count: 3 },
    })
    expect(await pathsOf(uuid)).toEqual(['a.csv', 'tmp', 'tmp/b'])
  })

  it("leave a worker's own failure its reason", async () => {
    const { job } = await ended({ required: ['report.pdf'] }, '3')
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'Error',
      exit_code: 3,
      result: { state: 'partial' },
    })
  })

  it.each([
    ['success', '0', 'complete'],
    ['success', '3', 'missing'],
    ['failure', '0', 'missing'],
    ['failure', '3', 'partial'],
    ['always', '3', 'partial'],
  ])('with when "%s" and exit code %s make the result %s', async (when, code, state) => {
    const { uuid, job } = await ended({ when }, code)
    expect(job).toMatchObject({ state: code === '0' ? 'succeeded' : 'failed', result: { state } })
    const answer = await call(api.url, { path: `/job/${uuid}/result` })
    expect(answer.status).toBe(state === 'missing' ? 409 : 200)
    if (state === 'missing') expect(job).toMatchObject({ message: expect.stringContaining('`outputs.when`') })
  })
})
