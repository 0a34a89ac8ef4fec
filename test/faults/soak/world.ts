import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { given } from '../../support/cluster/test-run.ts'
import { s3Client } from '../../support/store/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import { type MinioProcess, startMinioProcess } from '../../support/store/minio-process.ts'
import type { Aimed } from './verdict.ts'
import type { Work } from './work.ts'

/** A job that an API accepted. */
export interface Deployed {
  uuid: string
  work: Work
  aimed: Aimed[]
}

/** The soak's own store, proxy and API replicas, so that it can kill each of them. */
export interface World extends AsyncDisposable {
  readonly where: ApiOnCluster
  readonly minio: MinioProcess
  /** Between the pods and the store. */
  readonly proxy: FaultProxy
  /** Two replicas. */
  readonly apis: [ApiProcess, ApiProcess]
  /** Every API process so far, with those that were killed. */
  readonly started: readonly ApiProcess[]
  /** Starts one more API process. */
  start(): Promise<ApiProcess>
  readonly jobs: Deployed[]
  /** The URLs of the replicas in turn. */
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
    // An API that is killed between an agenda entry and its record leaves the entry to the janitor.
    JANITOR_INTERVAL_SECONDS: '30',
    S3_ACCESS_KEY: accessKey,
    S3_SECRET_KEY: secretKey,
    S3_BUCKET: 'soak',
  }
  const where = stack.use(await apiOnCluster({ name: 'soak', environment }))
  const started: ApiProcess[] = []
  const start = async () => {
    const api = await where.start()
    started.push(api)
    return api
  }
  const apis: [ApiProcess, ApiProcess] = [await start(), await start()]
  const owned = stack.move()
  let next = 0
  return {
    where,
    minio,
    proxy,
    apis,
    started,
    start,
    jobs: [],
    url: () => apis[next++ % 2]?.url ?? '',
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
