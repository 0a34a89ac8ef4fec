import { afterAll, beforeAll, expect, it } from 'vitest'
import { call, deployJson } from '../../http/client.ts'
import { type RunningApi, startApi } from '../../http/running.ts'
import { untilFinal } from '../../http/until-final.ts'

let api: RunningApi
beforeAll(async () => {
  api = await startApi({ default: 'command: ["true"]\nlabels: {team: physics}' })
})
afterAll(() => api?.close())

it('gives name and labels of a request back while the job lives and after its end', async () => {
  const labels = { team: 'physics', 'lab.example/run': '7' }
  const given = { name: 'Nachtlauf — 7', labels }
  const answer = await call(api.url, {
    ...deployJson({ job: 'default', ...given }),
    path: '/job/deploy?wait=50',
  })
  expect(answer.json()).toMatchObject({ ...given, state: 'succeeded', phase: 'finished' })
  expect(answer.json()).not.toHaveProperty('ignored')
  const { job_uuid: uuid } = answer.json() as { job_uuid: string }
  const { jobs } = (await call(api.url, { path: '/job' })).json() as { jobs: unknown[] }
  expect(jobs).toMatchObject([{ job_uuid: uuid, ...given }])
})

it('shows the labels of the configured job, and no name where none was given', async () => {
  const answer = await call(api.url, { path: '/job/deploy' })
  const { job_uuid: uuid } = answer.json() as { job_uuid: string }
  const job = await untilFinal(api.url, uuid)
  expect(job).toMatchObject({ labels: { team: 'physics' } })
  expect(job).not.toHaveProperty('name')
})
