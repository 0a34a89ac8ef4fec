import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asJson, type CurlAnswer, curl as curlUrl } from '../support/api/curl.ts'
import { waitForFinal } from '../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster, untilState } from '../support/api/on-cluster.ts'
import { kubectl } from '../support/cluster/cluster.ts'
import { eventually } from '../support/time/eventually.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'deploy' })
})
afterAll(() => api?.close())

interface Deployed {
  job_uuid: string
}

describe('deploying', () => {
  it('makes one job of six requests with one Idempotency-Key, and no second one later', async () => {
    const deploy = () =>
      curl('/job/deploy', '-H', 'Idempotency-Key: six', ...asJson({ ...busybox('true'), keep_seconds: 1 }))
    const answers = await Promise.all(Array.from({ length: 6 }, deploy))
    const uuids = new Set(answers.map((answer) => answer.json<Deployed>().job_uuid))
    expect(uuids.size).toBe(1)
    const [uuid = ''] = uuids
    await waitForFinal(api.url, uuid, 60)
    await eventually(async () => expect(await objectsOf(uuid)).toBe(''), { within: 60_000 })
    expect((await deploy()).json<Deployed>().job_uuid).toBe(uuid)
    expect(await objectsOf(uuid)).toBe('')
    const other = await curl('/job/deploy', '-H', 'Idempotency-Key: six', ...asJson(busybox('false')))
    expect(other.head).toMatch(/^HTTP\/1.1 422 /)
  })

  it('refuses a HEAD, a prefetch and a page of another site, and creates no Job for them', async () => {
    const before = await jobNames()
    expect((await curl('/job/deploy', '--head')).text()).toMatch(/^HTTP\/1.1 405 /)
    for (const header of [
      'Sec-Purpose: prefetch',
      'Sec-Fetch-Site: cross-site',
      'Origin: http://elsewhere',
    ]) {
      expect((await curl('/job/deploy', '-H', header)).head, header).toMatch(/^HTTP\/1.1 403 /)
    }
    expect(await jobNames()).toBe(before)
  })

  it('gives the worker all environments: the request overrides its file, which overrides references', async () => {
    const plain = await curl('/resource/env', '-F', 'env_file=A=kept\nB=kept\nC=kept\n;filename=env')
    const secret = await curl('/resource/env?secret=true', '-F', 'env_file=S=secret\n;filename=env')
    const ids = [plain, secret].map((answer) => answer.json<{ id: string }>().id)
    const request = {
      ...busybox('echo "$A $B $C $S" > "$RESULT_DIRECTORY/seen"'),
      config_map_ref: ids,
      env: { C: 'request' },
    }
    const deployed = await curl(
      '/job/deploy',
      ...['-F', `request=${JSON.stringify(request)};type=application/json`],
      ...['-F', 'env_file=B=file\nC=file\n;filename=env'],
    )
    const { job_uuid: uuid } = deployed.json<Deployed>()
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
    const seen = await curl(`/job/${uuid}/result?file=seen`)
    expect(seen.text()).toBe('kept file request secret\n')
    for (const id of ids) {
      expect((await curl(`/resource/env/${id}`, '-X', 'DELETE')).head).toMatch(/^HTTP\/1.1 204 /)
    }
    const kept = (await curl('/resource/env')).json<{ environments: unknown[] }>()
    expect(kept.environments).toEqual([])
  })
})

it('cancels a job and keeps its files', async () => {
  const script = 'echo early > "$RESULT_DIRECTORY/early"; echo written; while :; do sleep 0.1; done'
  const deployed = await curl('/job/deploy', ...asJson({ ...busybox(script), stop_grace_seconds: 5 }))
  const { job_uuid: uuid } = deployed.json<Deployed>()
  await untilState(api.url, uuid, 'running')
  await eventually(async () => expect((await curl(`/job/${uuid}/log`)).text()).toBe('written\n'))
  expect((await curl(`/job/${uuid}/result/list`)).head).toMatch(/^HTTP\/1.1 409 (.*\r\n)*retry-after: /i)
  expect((await curl(`/job/${uuid}/cancel`, '-X', 'POST')).head).toMatch(/^HTTP\/1.1 20[02] /)
  expect(await waitForFinal(api.url, uuid, 45)).toMatchObject({
    state: 'canceled',
    reason: 'Canceled',
    result: { state: 'partial', count: 1 },
  })
  const early = await curl(`/job/${uuid}/result?file=early`)
  expect(early.text()).toBe('early\n')
  expect(early.head).toMatch(/^jobferry-result-state: partial\r$/im)
})

function curl(path: string, ...args: string[]): Promise<CurlAnswer> {
  return curlUrl(`${api.url}${path}`, ...args)
}

function objectsOf(uuid: string): Promise<string> {
  const selector = `jobferry.dev/job=${uuid}`
  return kubectl('-n', api.namespace, 'get', 'jobs,pods,secrets,configmaps', '-l', selector, '-o', 'name')
}

function jobNames(): Promise<string> {
  return kubectl('-n', api.namespace, 'get', 'jobs', '-o', 'name')
}
