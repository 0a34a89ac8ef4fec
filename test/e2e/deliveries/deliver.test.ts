import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { curl } from '../../support/api/curl.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { type TemporaryBucket, temporaryBucket } from '../../support/store/bucket.ts'
import { type MinioProcess, startMinioProcess } from '../../support/store/minio-process.ts'
import { eventually } from '../../support/time/eventually.ts'

interface Shown {
  deliveries: { state: string; reason: string | null; message: string | null; files: number }[]
}

const patient = { within: 90_000 }
let api: OnCluster
let minio: MinioProcess
let bucket: TemporaryBucket

beforeAll(async () => {
  minio = await startMinioProcess()
  bucket = await temporaryBucket(minio)
  api = await startOnCluster({
    name: 'deliver',
    environment: { REQUEST_SECRETS: 'archive,refused', INPUT_ALLOW_HTTP: '1', OUTGOING_ALLOW: 'any' },
  })
  const { endpoint, accessKey } = minio
  await makeSecret('archive', { endpoint, accessKey, secretKey: minio.secretKey })
  await makeSecret('refused', { endpoint, accessKey, secretKey: 'another one' })
})
afterAll(async () => {
  await api?.close()
  await bucket?.remove()
  await minio?.close()
})

async function makeSecret(name: string, values: Record<string, string>): Promise<void> {
  const literals = Object.entries(values).map(([key, value]) => `--from-literal=${key}=${value}`)
  await kubectl('-n', api.namespace, 'create', 'secret', 'generic', name, ...literals)
}

const shown = async (uuid: string) => (await getJson(`${api.url}/job/${uuid}`)) as unknown as Shown

async function untilStates(uuid: string, states: string[]): Promise<Shown['deliveries']> {
  return await eventually(async () => {
    const { deliveries } = await shown(uuid)
    expect(deliveries.map(({ state }) => state)).toEqual(states)
    return deliveries
  }, patient)
}

async function jobsOfDeliveries(): Promise<string> {
  return await kubectl(
    '-n',
    api.namespace,
    'get',
    'jobs,pods,secrets',
    '-l',
    'jobferry.dev/kind=delivery',
    '-o',
    'name',
  )
}

it('a result reaches another bucket that was down, and one that refuses is named', {
  timeout: 240_000,
}, async () => {
  await minio.kill()
  const script = 'mkdir $RESULT_DIRECTORY/d; for n in 1 2 3; do echo $n >$RESULT_DIRECTORY/d/$n; done'
  const uuid = await deployJob(api.url, {
    ...busybox(script),
    result_layout: 'packed',
    outputs: {
      deliver: [
        { to: `s3://${bucket.name}/a/`, secret: 'archive' },
        { to: `s3://${bucket.name}/b/`, secret: 'refused' },
      ],
    },
  })
  expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({ state: 'succeeded' })
  await eventually(async () => {
    expect((await shown(uuid)).deliveries[0]?.message).toMatch(/tried again$/)
  }, patient)
  await minio.start()
  const deliveries = await untilStates(uuid, ['delivered', 'failed'])
  expect(deliveries).toMatchObject([
    { files: 3 },
    { reason: 'TargetRefused', message: expect.stringContaining('SignatureDoesNotMatch') },
  ])
  const manifest = (await objectOf(`a/jobferry-${uuid}.ndjson`)).toString().trimEnd().split('\n')
  const files = manifest.map((line) => JSON.parse(line)).filter(({ type }) => type === 'file')
  expect(files.map(({ key }) => key)).toEqual(['d/1', 'd/2', 'd/3'])
  for (const { key, sha256 } of files) {
    expect(
      createHash('sha256')
        .update(await objectOf(`a/${key}`))
        .digest('hex'),
    ).toBe(sha256)
  }
  await eventually(async () => expect(await jobsOfDeliveries()).toBe(''), patient)
})

it('a delivery under way goes with its job', { timeout: 180_000 }, async () => {
  await minio.kill()
  const deliver = [{ to: `s3://${bucket.name}/gone/`, secret: 'archive' }]
  const uuid = await deployJob(api.url, { ...busybox('echo 1 >$RESULT_DIRECTORY/a'), outputs: { deliver } })
  await waitForFinal(api.url, uuid, 90)
  await untilStates(uuid, ['delivering'])
  await curl(`${api.url}/job/${uuid}`, '-X', 'DELETE')
  await eventually(async () => expect(await jobsOfDeliveries()).toBe(''), patient)
  await minio.start()
})

async function objectOf(key: string): Promise<Buffer> {
  return await buffer(await bucket.client.getObject(bucket.name, key))
}
