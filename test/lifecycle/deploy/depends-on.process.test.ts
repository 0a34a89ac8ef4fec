import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { call, deployJson } from '../../http/client.ts'
import { startApi } from '../../http/running.ts'
import { startApiProcess } from '../../support/api/api-process.ts'
import { endJobs } from '../../support/end-jobs.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const open = { LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1' }
const sh = (script: string, more: object = {}) => ({ command: ['sh', '-ec', script], ...more })
const after = (...uuids: string[]) => uuids.map((job_uuid) => ({ job_uuid }))

it('a chain of five jobs hands its results on over two APIs that are killed', async () => {
  const folder = temporaryFolder()
  const [data, go] = [join(folder, 'data'), join(folder, 'go')]
  mkdirSync(join(folder, 'jobs'))
  onTestFinished(() => endJobs(data))
  const environment = { DATA_DIRECTORY: data, JOBS_DIRECTORY: join(folder, 'jobs'), ...open }
  const first = await startApiProcess(environment)
  const wait = `until [ -e ${go} ]; do sleep 0.1; done;`
  const chain = [await deploy(first.url, sh(`${wait} echo 0 >"$RESULT_DIRECTORY/list"`))]
  for (let number = 1; number < 5; number += 1) {
    const [before = ''] = chain.slice(-1)
    const inputs = [{ from: `job:${before}/list` }]
    const script = `(cat "$INPUT_DIRECTORY/list"; echo ${number}) >"$RESULT_DIRECTORY/list"`
    chain.push(await deploy(first.url, sh(script, { depends_on: after(before), inputs })))
  }
  const last = chain.at(-1) ?? ''
  expect(await jobAt(first.url, last)).toMatchObject({
    state: 'queued',
    reason: 'WaitingForJobs',
    message: `waits for job ${chain.at(-2)}`,
    attempt: null,
  })
  await first.kill()
  await writeFile(go, '')
  const second = await startApiProcess(environment)
  expect(await jobAt(second.url, chain[1] ?? '', '?wait=50')).toMatchObject({ state: 'succeeded' })
  await second.kill()
  const third = await startApiProcess(environment)
  onTestFinished(() => third.kill())
  expect(await jobAt(third.url, last, '?wait=50')).toMatchObject({
    state: 'succeeded',
    attempt: { number: 1 },
    inputs: [{ source: `job:${chain.at(-2)}/list` }],
  })
  const list = await call(third.url, { path: `/job/${last}/result?file=list` })
  expect(String(list.body)).toBe('0\n1\n2\n3\n4\n')
}, 180_000)

it('a job that failed, was canceled or deleted fails those that wait for it, and theirs', async () => {
  const api = await startApi({}, open)
  onTestFinished(() => api.close())
  const [failing, endless, doomed] = await Promise.all([
    deploy(api.url, sh('exit 3')),
    deploy(api.url, sh('sleep 600')),
    deploy(api.url, sh('sleep 600')),
  ])
  const waiting = [failing, endless, doomed].map((uuid) => sh('true', { depends_on: after(uuid) }))
  const [one = '', two = '', three = ''] = await Promise.all(waiting.map((each) => deploy(api.url, each)))
  const last = await deploy(api.url, sh('true', { depends_on: after(one) }))
  const end = [{ job_uuid: endless, on: 'end' }]
  const anyhow = await deploy(api.url, sh('true', { depends_on: end }))
  await call(api.url, { method: 'POST', path: `/job/${endless}/cancel` })
  await call(api.url, { method: 'DELETE', path: `/job/${doomed}` })
  for (const [uuid, why] of [
    [one, `job ${failing} failed (Error)`],
    [two, `job ${endless} was canceled`],
    [three, `job ${doomed} is gone`],
    [last, `job ${one} failed (DependencyFailed)`],
  ] as const) {
    expect(await jobAt(api.url, uuid, '?wait=50')).toMatchObject({
      ...{ state: 'failed', reason: 'DependencyFailed', attempt: null },
      ...{ message: expect.stringContaining(why), result: { state: 'missing' } },
    })
  }
  expect(await jobAt(api.url, anyhow, '?wait=50')).toMatchObject({ state: 'succeeded' })
}, 120_000)

it('a job whose awaited ones have ended starts at once, and nothing is kept of the wait', async () => {
  const api = await startApi({}, open)
  onTestFinished(() => api.close())
  const before = await deploy(api.url, sh('echo a >"$RESULT_DIRECTORY/a"'))
  await jobAt(api.url, before, '?wait=50')
  const inputs = [{ from: `job:${before}/a` }]
  const wrong = { depends_on: after(before), inputs: [{ from: `job:${before}/b` }] }
  const refused = await call(api.url, deployJson(sh('true', wrong)))
  expect(refused.json()).toMatchObject({ status: 400, errors: [{ field: 'inputs[0].from' }] })
  const uuid = await deploy(
    api.url,
    sh('test -f "$INPUT_DIRECTORY/a"', { depends_on: after(before), inputs }),
  )
  expect(await jobAt(api.url, uuid, '?wait=50')).toMatchObject({ state: 'succeeded' })
  expect((await api.stored()).filter((path) => path.includes('input-attempts'))).toEqual([])
}, 120_000)

it('an awaited job without a result fails the job whose input it is, unless the input is optional', async () => {
  const api = await startApi({}, open)
  onTestFinished(() => api.close())
  const before = await deploy(api.url, sh('sleep 600', { outputs: { when: 'success' } }))
  const depends_on = [{ job_uuid: before, on: 'end' }]
  const asked = [false, true].map((optional) =>
    sh('true', { depends_on, inputs: [{ from: `job:${before}/`, to: 'all', optional }] }),
  )
  const [needed = '', wished = ''] = await Promise.all(asked.map((each) => deploy(api.url, each)))
  await call(api.url, { method: 'POST', path: `/job/${before}/cancel` })
  expect(await jobAt(api.url, needed, '?wait=50')).toMatchObject({
    ...{ state: 'failed', reason: 'InputUnavailable' },
    message: expect.stringContaining(`job:${before}/`),
  })
  expect(await jobAt(api.url, wished, '?wait=50')).toMatchObject({ state: 'succeeded' })
}, 120_000)

it('a waiting job that is canceled or deleted ends as every other', async () => {
  const api = await startApi({}, open)
  onTestFinished(() => api.close())
  const endless = await deploy(api.url, sh('sleep 600'))
  const waiting = sh('true', { depends_on: after(endless) })
  const [one, other] = [await deploy(api.url, waiting), await deploy(api.url, waiting)]
  await call(api.url, { method: 'POST', path: `/job/${one}/cancel` })
  expect(await jobAt(api.url, one, '?wait=50')).toMatchObject({ state: 'canceled', attempt: null })
  expect((await call(api.url, { method: 'DELETE', path: `/job/${other}` })).status).toBe(204)
  expect((await call(api.url, { path: `/job/${other}` })).status).toBe(404)
  expect(await jobAt(api.url, endless)).toMatchObject({
    state: expect.stringMatching(/queued|preparing|running/),
  })
}, 120_000)

it('a job of another caller is answered as one that is not there', async () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const tokens = `alice:${sha256('correct-horse')}\nbob:${sha256('battery-staple')}`
  const api = await startApi({}, { LOCAL_ALLOW_COMMANDS: '1', API_TOKENS: tokens })
  onTestFinished(() => api.close())
  const ask = (token: string, request: object) => {
    const { headers, ...rest } = deployJson(request)
    return call(api.url, { ...rest, headers: { ...headers, authorization: `Bearer ${token}` } })
  }
  const made = (await ask('correct-horse', sh('true'))).json() as { job_uuid: string }
  for (const uuid of [made.job_uuid, randomUUID()]) {
    const answer = await ask('battery-staple', sh('true', { depends_on: after(uuid) }))
    expect(answer.json()).toMatchObject({
      status: 400,
      errors: [{ field: 'depends_on[0].job_uuid', problem: 'names no job of this caller' }],
    })
  }
  const own = await ask('correct-horse', sh('true', { depends_on: after(made.job_uuid) }))
  expect(own.status).toBe(201)
}, 60_000)

async function deploy(url: string, request: object): Promise<string> {
  const answer = await call(url, deployJson(request))
  if (answer.status !== 201) throw new Error(String(answer.body))
  return (answer.json() as { job_uuid: string }).job_uuid
}

async function jobAt(url: string, uuid: string, query = ''): Promise<unknown> {
  return (await call(url, { path: `/job/${uuid}${query}` })).json()
}
