import { afterAll, beforeAll, expect, it } from 'vitest'
import { curl } from '../support/api/curl.ts'
import { waitForFinal } from '../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../support/api/on-cluster.ts'
import { given } from '../support/cluster/test-run.ts'
import { run } from '../support/run.ts'
import { objectKeys } from '../support/store/bucket.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'packed' })
})
afterAll(() => api?.close())

it('1,200 small files are packed by default, can be read unchanged, and are removed with their job', async () => {
  const script =
    'cd "$RESULT_DIRECTORY" && i=0 && while [ $i -lt 1200 ]; do echo "file $i" > f$i; i=$((i+1)); done'
  const request = {
    image: given('UPLOADER_IMAGE'),
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', script],
    // On a slow machine, files that settle before there are 500 of
    // them would get their own objects.
    upload_while_running: false,
  }
  const deployed = await curl(
    `${api.url}/job/deploy`,
    ...['-H', 'content-type: application/json', '-d', JSON.stringify(request)],
  )
  const { job_uuid: uuid } = deployed.json<{ job_uuid: string }>()
  const job = await waitForFinal(api.url, uuid, 100)
  expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: 1200 } })

  const keys = (await objectKeys(api.client, api.bucket, `jobs/${uuid}/`)).filter((key) =>
    key.includes('/files/'),
  )
  expect(keys.length).toBeLessThan(4)
  const { url } = api
  expect((await curl(`${url}/job/${uuid}/result?file=f7`)).text()).toBe('file 7\n')
  expect((await curl(`${url}/job/${uuid}/result?file=f7`, '-H', 'range: bytes=5-')).text()).toBe('7\n')
  const unpacked = await run('sh', [
    '-c',
    `curl -sf "${url}/job/${uuid}/result" | tar -xO | sort | uniq | wc -l`,
  ])
  expect(Number(unpacked)).toBe(1200)

  await curl(`${url}/job/${uuid}`, '-X', 'DELETE')
  await expect
    .poll(() => objectKeys(api.client, api.bucket, `jobs/${uuid}/`), { timeout: 180_000 })
    .toEqual([])
})
