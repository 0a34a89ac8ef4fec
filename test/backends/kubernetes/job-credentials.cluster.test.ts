import { afterAll, beforeAll, expect, it } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import { asJson, curl } from '../../support/api/curl.ts'
import { waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { testStore } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'job-keys', environment: { S3_UPLOADER_CREDENTIALS: 'job' } })
}, 120_000)
afterAll(() => api?.close())

it('each job stores its results with a key of its own, which is gone after its end', async () => {
  const request = {
    image: given('UPLOADER_IMAGE'),
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', 'head -c 20000000 /dev/urandom >"$RESULT_DIRECTORY/large"; sleep 10'],
  }
  const [one, two] = await Promise.all([deploy(request), deploy(request)])
  const key = await keyOf(one)
  expect(key.accessKey).not.toBe(testStore().accessKey)
  expect((await keyOf(two)).accessKey).not.toBe(key.accessKey)
  const store = createS3Store({
    ...{ endpoint: testStore().endpoint, bucket: api.bucket, region: 'us-east-1', prefix: '' },
    credentials: staticCredentials(key.accessKey, key.secretKey),
  })
  try {
    expect(await store.head(`jobs/${one}/stop`)).toBeUndefined()
    await expect(store.head(`jobs/${two}/stop`)).rejects.toMatchObject({ kind: 'denied' })
    await expect(store.put(`jobs/${two}/evil`, Buffer.from('x'))).rejects.toMatchObject({ kind: 'denied' })
    for (const uuid of [one, two])
      expect(await waitForFinal(api.url, uuid, 180)).toMatchObject({
        state: 'succeeded',
        result: { state: 'complete', bytes: 20_000_000 },
      })
    await eventually(() => expect(store.head(`jobs/${one}/stop`)).rejects.toMatchObject({ kind: 'denied' }), {
      within: 60_000,
      every: 500,
    })
  } finally {
    await store.close()
  }
}, 300_000)

async function deploy(request: object): Promise<string> {
  const answer = await curl(`${api.url}/job/deploy`, ...asJson(request))
  return answer.json<{ job_uuid: string }>().job_uuid
}

async function keyOf(uuid: string): Promise<{ accessKey: string; secretKey: string }> {
  const text = await kubectl('-n', api.namespace, 'get', 'secret', `job-${uuid}`, '-o', 'json')
  const { data } = JSON.parse(text) as { data: Record<string, string> }
  const decoded = (name: string) => Buffer.from(data[name] ?? '', 'base64').toString()
  return { accessKey: decoded('access-key'), secretKey: decoded('secret-key') }
}
