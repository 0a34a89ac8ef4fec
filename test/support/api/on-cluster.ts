import type { Client } from 'minio'
import { loadConfig } from '../../../src/config/config.ts'
import type { Job, State } from '../../../src/job/job.ts'
import { type Running, start } from '../../../src/server.ts'
import { createLog } from '../../../src/util/log.ts'
import { Semaphore } from '../../../src/util/semaphore.ts'
import { kubectl, temporaryNamespace } from '../cluster/cluster.ts'
import { given } from '../cluster/test-run.ts'
import { type StoreAccess, temporaryBucket, testStore } from '../store/bucket.ts'
import { eventually } from '../time/eventually.ts'
import { getJson } from './http.ts'

export interface OnCluster extends AsyncDisposable {
  /** The API's base URL, such as `http://127.0.0.1:40123`. */
  readonly url: string
  readonly namespace: string
  readonly bucket: string
  /** An S3 client without the project's code. */
  readonly client: Client
  /** Deletes every job through the API, stops the API, removes bucket and namespace. */
  close(): Promise<void>
}

export interface OnClusterOptions {
  /** Prefix of the namespace's name. */
  name?: string
  podSecurity?: 'baseline' | 'restricted'
  /** The store of its bucket; by default the store that all tests share. */
  store?: StoreAccess
  /** Additional settings of the API; they override the addresses of cluster and store. */
  environment?: Readonly<Record<string, string>>
}

/**
 * Starts the API in this process on a free port, with a new
 * namespace and a new bucket for its jobs.
 */
export async function startOnCluster(options: OnClusterOptions = {}): Promise<OnCluster> {
  const { name = 'api', podSecurity = 'baseline', environment = {} } = options
  const namespace = await temporaryNamespace(name, podSecurity)
  const access = options.store ?? testStore()
  const bucket = await temporaryBucket(access)
  const removeBoth = async () => {
    await releaseJobs(namespace.name)
    await Promise.all([namespace.remove(), bucket.remove()])
  }
  let running: Running
  try {
    const { endpoint, accessKey, secretKey } = access
    const config = loadConfig({
      PORT: '0',
      KUBECONFIG: given('KUBECONFIG'),
      NAMESPACE: namespace.name,
      UPLOADER_IMAGE: given('UPLOADER_IMAGE'),
      POD_SECURITY: podSecurity,
      S3_ENDPOINT: endpoint,
      S3_ENDPOINT_FOR_PODS: given('S3_ENDPOINT_FOR_PODS'),
      S3_BUCKET: bucket.name,
      S3_ACCESS_KEY: accessKey,
      S3_SECRET_KEY: secretKey,
      LOG_LEVEL: 'error',
      ...environment,
    })
    running = await start(config, createLog('test', config.log.level))
  } catch (error) {
    await removeBoth()
    throw error
  }
  const close = async () => {
    try {
      await deleteJobs(running.url, namespace.name)
    } finally {
      await running.close()
      await removeBoth()
    }
  }
  return {
    url: running.url,
    namespace: namespace.name,
    bucket: bucket.name,
    client: bucket.client,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A deploy request for `sh -c <script>` in busybox, an image that the test cluster's node has. */
export function busybox(script: string) {
  return {
    image: 'docker.io/library/busybox:latest',
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', script],
  }
}

/** Waits until the job is in exactly this state. */
export async function untilState(url: string, uuid: string, state: State): Promise<void> {
  await eventually(
    async () => {
      const job = await getJson<Job>(`${url}/job/${uuid}`)
      if (job.state !== state) throw new Error(`not ${state} but ${job.state}: ${job.reason}: ${job.message}`)
    },
    { within: 60_000 },
  )
}

const deletedAtOnce = 16

/** Deletes every job and waits until no pod is left that could write into the bucket. */
export async function deleteJobs(url: string, namespace: string): Promise<void> {
  const { jobs } = await getJson<{ jobs: { job_uuid: string }[] }>(`${url}/job?limit=10000`)
  const deleting = new Semaphore(deletedAtOnce)
  await Promise.all(
    jobs.map(async ({ job_uuid: uuid }) => {
      const release = await deleting.acquire()
      const response = await fetch(`${url}/job/${uuid}`, { method: 'DELETE' }).finally(release)
      if (response.status !== 204)
        throw new Error(`DELETE /job/${uuid}: ${response.status} ${await response.text()}`)
    }),
  )
  await eventually(
    async () => {
      const left = await kubectl('-n', namespace, 'get', 'jobs,pods', '-o', 'name')
      if (left !== '') throw new Error(`still in ${namespace} after every job's deletion: ${left}`)
    },
    { within: 150_000, every: 500 },
  )
}

/** Removes the finalizers: after a failure of the API they would hold the namespace for ever. */
export async function releaseJobs(namespace: string): Promise<void> {
  const jobs = await kubectl('-n', namespace, 'get', 'jobs', '-o', 'name')
  const patch = JSON.stringify({ metadata: { finalizers: null } })
  for (const job of jobs.split('\n').filter((line) => line !== '')) {
    await kubectl('-n', namespace, 'patch', job, '--type=merge', '-p', patch)
  }
}
