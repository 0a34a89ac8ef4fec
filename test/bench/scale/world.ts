import { type ApiProcess, startApiProcess } from '../../support/api/api-process.ts'
import { postJson } from '../../support/api/http.ts'
import { type LargeResult, putFinishedJobs, putLargeResult } from '../../support/store/finished-jobs.ts'
import { startMinioProcess } from '../../support/store/minio-process.ts'
import { s3Store } from '../../support/store/s3-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { type FakeCluster, namespace, startFakeCluster } from './cluster.ts'

/** A cluster and a store with all the jobs that one API has to know. */
export interface World extends AsyncDisposable {
  readonly cluster: FakeCluster
  /** Uuids of the finished jobs, newest first. */
  readonly finished: readonly string[]
  readonly large: LargeResult
  startApi(): Promise<ApiProcess>
  /** Number of requests that the store has answered so far. */
  storeRequests(): Promise<number>
}

export interface WorldSize {
  alive: number
  finished: number
  /** Number of files of the largest result. */
  files: number
}

const bucket = 'scale'
const hour = 3_600_000

/**
 * Starts a separate cluster and store with these jobs, so that other
 * users of the machine are undisturbed.
 */
export async function createWorld({ alive, finished: count, files }: WorldSize): Promise<World> {
  // Makes MinIO's request counters readable without a token.
  process.env.MINIO_PROMETHEUS_AUTH_TYPE = 'public'
  await using stack = new AsyncDisposableStack()
  const minio = stack.use(await startMinioProcess())
  const { endpoint, accessKey, secretKey } = minio
  const store = s3Store(minio, bucket)
  await store.prepare()
  const finished = await putFinishedJobs(store, count, Date.now() - hour)
  const large = await putLargeResult(store, files, Date.now() - hour / 2)
  await store.close()

  const cluster = stack.use(await startFakeCluster())
  const settings = {
    KUBECONFIG: cluster.kubeconfig,
    NAMESPACE: namespace,
    UPLOADER_IMAGE: 'localhost/none',
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_ACCESS_KEY: accessKey,
    S3_SECRET_KEY: secretKey,
  }
  const startApi = () => startApiProcess(settings)
  await deploy(await startApi(), alive)
  const all = stack.move()
  return {
    cluster,
    finished,
    large,
    startApi,
    storeRequests: async () =>
      sumOf(await metricsOf(`${endpoint}/minio/v2/metrics/node`), 'minio_s3_requests_total'),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Deploys `count` jobs through the API and waits until all run. */
async function deploy(api: ApiProcess, count: number): Promise<void> {
  let left = count
  const work = async () => {
    while (left-- > 0) {
      const { status } = await postJson(`${api.url}/job/deploy`, {
        image: 'busybox',
        command: ['sleep', '1000000'],
      })
      if (status !== 201) throw new Error(`POST /job/deploy: ${status}`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  await eventually(
    async () => {
      const line = /^jobferry_jobs\{state="running"\} (\d+)$/m.exec(await metricsOf(`${api.url}/metrics`))
      if (Number(line?.[1]) !== count) throw new Error(`${line?.[1]} of ${count} jobs run`)
    },
    { within: 300_000, every: 1000 },
  )
  await api.stop()
}

async function metricsOf(url: string): Promise<string> {
  return await (await fetch(url)).text()
}

function sumOf(metrics: string, name: string): number {
  const values = metrics.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'gm'))
  return Array.from(values, ([, value]) => Number(value)).reduce((sum, value) => sum + value, 0)
}
