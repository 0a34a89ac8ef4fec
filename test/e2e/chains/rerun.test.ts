import { afterAll, beforeAll, expect, it } from 'vitest'
import { call, deployForm } from '../../http/client.ts'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { postJson, waitForFinal } from '../../support/api/http.ts'

let cluster: ApiOnCluster
let api: ApiProcess

beforeAll(async () => {
  cluster = await apiOnCluster({ name: 'rerun' })
  api = await cluster.start()
})
afterAll(() => cluster.close())

it('a failed job runs again with its inputs, also after an API that was killed and its own deletion', async () => {
  const request = {
    image: 'docker.io/library/busybox:latest',
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-ec', 'cp /input/file "$RESULT_DIRECTORY"/; exit "$CODE"'],
    env: { CODE: '3' },
    inputs: [{ content: 'more', to: 'more' }],
  }
  const parts = [
    { name: 'request', content: JSON.stringify(request) },
    { name: 'input', filename: 'file', content: 'bytes\n' },
  ]
  const made = (await call(api.url, deployForm(...parts))).json() as { job_uuid: string }
  const live = await postJson(`${api.url}/job/${made.job_uuid}/rerun`, { env: { CODE: '0' } })
  expect(live).toMatchObject({ status: 201, body: { rerun_of: made.job_uuid } })
  expect(await waitForFinal(api.url, made.job_uuid, 60)).toMatchObject({ state: 'failed', exit_code: 3 })
  expect(await waitForFinal(api.url, String(live.body.job_uuid), 60)).toMatchObject({ state: 'succeeded' })
  await api.kill()
  api = await cluster.start()
  const gone = await postJson(`${api.url}/job/${made.job_uuid}/rerun`, {})
  expect(gone).toMatchObject({ status: 409, body: { errors: [{ field: 'env.CODE' }] } })
  const again = await postJson(`${api.url}/job/${made.job_uuid}/rerun`, { env: { CODE: '0' } })
  await fetch(`${api.url}/job/${made.job_uuid}`, { method: 'DELETE' })
  const uuid = String(again.body.job_uuid)
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
    state: 'succeeded',
    rerun_of: made.job_uuid,
    exit_code: 0,
  })
  const file = await fetch(`${api.url}/job/${uuid}/result?file=file`)
  expect(await file.text()).toBe('bytes\n')
})
