import { type ApiOnCluster, apiOnCluster } from '../../support/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api-process.ts'
import { s3Client } from '../../support/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { type MinioProcess, startMinioProcess } from '../../support/minio-process.ts'
import { given } from '../../support/test-run.ts'
import type { Aimed } from './verdict.ts'
import type { Work } from './work.ts'

/** A job that was asked for. */
export interface Deployed {
  uuid: string
  work: Work
  aimed: Aimed[]
}

/** What the soak runs on: parts of its own, so that each can be killed. */
export interface World extends AsyncDisposable {
  readonly where: ApiOnCluster
  readonly minio: MinioProcess
  /** Between the pods and the store. */
  readonly proxy: FaultProxy
  /** Two replicas. */
  readonly apis: [ApiProcess, ApiProcess]
  readonly jobs: Deployed[]
  /** An API that answers. */
  url(): string
}

export async function createWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const minio = stack.use(await startMinioProcess())
  const proxy = await startFaultProxy(minio.endpoint, given('NODE_ADDRESS'))
  stack.defer(() => proxy.close())
  const { endpoint, accessKey, secretKey } = minio
  await s3Client(minio).makeBucket('soak')
  const environment = {
    S3_ENDPOINT: endpoint,
    S3_ENDPOINT_FOR_PODS: proxy.url,
    S3_ACCESS_KEY: accessKey,
    S3_SECRET_KEY: secretKey,
    S3_BUCKET: 'soak',
  }
  const where = stack.use(await apiOnCluster({ name: 'soak', environment }))
  const apis: [ApiProcess, ApiProcess] = [await where.start(), await where.start()]
  const owned = stack.move()
  let next = 0
  return {
    where,
    minio,
    proxy,
    apis,
    jobs: [],
    url: () => apis[next++ % 2]?.url ?? '',
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
