import { afterAll, beforeAll, expect, it } from 'vitest'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'

/** The configured job `pipeline` of manifests/jobs, in the project's own image. */

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'pipeline' })
})
afterAll(() => api?.close())

const file = (path: string) =>
  fetch(`${api.url}/catalog/pipeline/latest/result?file=${encodeURIComponent(path)}`)

it('stages, computes and organizes, and its page is the latest result', async () => {
  const query = 'job=pipeline&parameters.bins=5&parameters.samples=100&parameters.caption=Rain%20%26%20sun'
  const { job_uuid: uuid } = await getJson<{ job_uuid: string }>(`${api.url}/job/deploy?${query}`)
  const job = await waitForFinal(api.url, uuid, 90)
  expect(job).toMatchObject({ state: 'succeeded', job: 'pipeline', result: { state: 'complete' } })
  expect(job.steps?.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'stage succeeded',
    'compute succeeded',
    'organize succeeded',
  ])
  const page = await file('docs/README.html')
  expect(page.headers.get('content-location')).toBe(`/job/${uuid}/result?file=docs%2FREADME.html`)
  expect(await page.text()).toContain('<h1>Rain &amp; sun</h1>')
  expect((await (await file('data/histogram.csv')).text()).trim().split('\n').length).toBe(1 + 5)
  expect(await (await file('docs/logs/stage.txt')).text()).toContain('made 100 measurements')
})

it('shows in a dry run the Job that it would make, without values of variables, and makes none', async () => {
  const jobs = async () => (await kubectl('-n', api.namespace, 'get', 'jobs,secrets', '-o', 'name')).trim()
  const before = await jobs()
  const answer = await postJson(`${api.url}/job/deploy?dry_run=true`, {
    job: 'pipeline',
    parameters: { bins: 7 },
    env: { TOKEN: 's3cret-value' },
  })
  expect(answer.status).toBe(200)
  const shown = answer.body
  expect(shown.request).toMatchObject({ parameters: { bins: 7 }, env: { TOKEN: '(hidden)' } })
  expect(shown.manifest).toMatchObject({
    kind: 'Job',
    spec: {
      template: {
        spec: {
          initContainers: [{ name: 'uploader' }, { name: 'step-stage' }, { name: 'step-compute' }],
          containers: [{ name: 'worker' }],
        },
      },
    },
  })
  expect(JSON.stringify(shown)).not.toContain('s3cret-value')
  expect(await jobs()).toBe(before)
})
