import { expect, it, onTestFinished } from 'vitest'
import { createObjectReaders } from '../../../src/store/s3/scoped-credentials/object-readers.ts'
import { startEmbedded } from '../../support/api/embedded.ts'
import { waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { temporaryBucket } from '../../support/store/bucket.ts'
import { type MinioProcess, startMinioProcess } from '../../support/store/minio-process.ts'
import { privateCa } from '../../support/store/private-ca.ts'
import { s3Store } from '../../support/store/s3-store.ts'
import { expectKind } from '../conformance/store.conformance.ts'

/* A store whose certificate a private authority has signed. */

const content = 'over TLS\n'

async function tlsMinio(): Promise<MinioProcess & { caFile: string }> {
  const tls = privateCa(given('NODE_ADDRESS'))
  const minio = await startMinioProcess({ tls })
  onTestFinished(() => minio.close())
  return { ...minio, caFile: tls.file }
}

it('is reached with S3_CA alone, by objects, listings and keys for one object', async () => {
  const minio = await tlsMinio()
  const bucket = await temporaryBucket(minio)
  onTestFinished(() => bucket.remove())
  const store = s3Store(minio, bucket.name, { ca: minio.ca })
  await store.prepare()
  await store.put('a', Buffer.from(content))
  const keys = []
  for await (const { key } of store.list('')) keys.push(key)
  expect(keys).toEqual(['a'])
  await store.close()
  const readers = createObjectReaders({
    ...{ ...minio, publicEndpoint: minio.endpoint, bucket: bucket.name, region: 'us-east-1', prefix: '' },
    readerCredentials: 'access-key',
  })
  expect(await readers.allow('id', 'a', 1000)).toMatchObject({ key: 'a' })
  await readers.close()
  const without = s3Store(minio, bucket.name)
  await expectKind(without.put('a', Buffer.from('')), 'unavailable')
  await without.close()
})

it('keeps the results of child processes', async () => {
  const minio = await tlsMinio()
  const bucket = await temporaryBucket(minio)
  onTestFinished(() => bucket.remove())
  const api = await startEmbedded(
    {},
    {
      ...{ S3_ENDPOINT: minio.endpoint, S3_BUCKET: bucket.name, S3_CA_FILE: minio.caFile },
      ...{ LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1' },
      ...{ S3_ACCESS_KEY: minio.accessKey, S3_SECRET_KEY: minio.secretKey },
    },
  )
  onTestFinished(() => api.remove())
  await expectResult(api.url, { command: ['sh', '-c', `printf '${content}' >"$RESULT_DIRECTORY/file"`] })
})

it('keeps the results of pods', async () => {
  const minio = await tlsMinio()
  const environment = { S3_ENDPOINT_FOR_PODS: minio.endpoint, S3_CA_FILE: minio.caFile }
  const api: OnCluster = await startOnCluster({ name: 'tls', store: minio, environment })
  onTestFinished(() => api.close(), 120_000)
  await expectResult(api.url, {
    image: given('UPLOADER_IMAGE'),
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', `printf '${content}' >"$RESULT_DIRECTORY/file"`],
  })
})

async function expectResult(url: string, request: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const deployed = await fetch(`${url}/job/deploy`, {
    method: 'POST',
    headers,
    body: JSON.stringify(request),
  })
  expect(deployed.status, await deployed.clone().text()).toBe(201)
  const { job_uuid: uuid } = (await deployed.json()) as { job_uuid: string }
  expect(await waitForFinal(url, uuid, 60)).toMatchObject({
    state: 'succeeded',
    result: { state: 'complete' },
  })
  expect(await (await fetch(`${url}/job/${uuid}/result?file=file`)).text()).toBe(content)
}
