import type { Client } from 'minio'
import { loadConfig } from '../../src/config.ts'
import type { Job, State } from '../../src/job/job.ts'
import { createLog } from '../../src/log.ts'
import { type Running, start } from '../../src/server.ts'
import { type StoreAccess, temporaryBucket, testStore } from './bucket.ts'
import { kubectl, temporaryNamespace } from './cluster.ts'
import { eventually } from './eventually.ts'
import { getJson } from './http.ts'
import { given } from './test-run.ts'

export interface OnCluster extends AsyncDisposable {
  /** Where the API listens: `http://127.0.0.1:40123`. */
  readonly url: string
  readonly namespace: string
  readonly bucket: string
  /** Sees the bucket without the project's code. */
  readonly client: Client
  /** Deletes every job through the API, ends the API, removes bucket and namespace. */
  close(): Promise<void>
}

export interface OnClusterOptions {
  /** What the namespace's name begins with. */
  name?: string
  podSecurity?: 'baseline' | 'restricted'
  /** Where its bucket is; by default in the store that all tests share. */
  store?: StoreAccess
  /** Settings of the API beside those that say where cluster and store are. */
  environment?: Readonly<Record<string, string>>
}

/** The API in this process on a free port, its jobs in a namespace and a bucket of their own. */
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
    running = await start(config, createLog('test', config.logLevel))
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

/** A request whose worker is `sh -c <script>` in busybox, which the test cluster's node has. */
export function busybox(script: string) {
  return {
    image: 'docker.io/library/busybox:latest',
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', script],
  }
}

/** Waits until the job is in exactly that state. */
export async function untilState(url: string, uuid: string, state: State): Promise<void> {
  await eventually(
    async () => {
      const job = await getJson<Job>(`${url}/job/${uuid}`)
      if (job.state !== state) throw new Error(`not ${state} but ${job.state}: ${job.reason}: ${job.message}`)
    },
    { within: 60_000 },
  )
}

/** Until no pod can write into the bucket any more. */
export async function deleteJobs(url: string, namespace: string): Promise<void> {
  const { jobs } = await getJson<{ jobs: { job_uuid: string }[] }>(`${url}/job?limit=10000`)
  await Promise.all(
    jobs.map(async ({ job_uuid: uuid }) => {
      const { status } = await fetch(`${url}/job/${uuid}`, { method: 'DELETE' })
      if (status !== 204) throw new Error(`DELETE /job/${uuid}: ${status}`)
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

/** Where the API failed, its finalizer would hold the namespace for ever. */
export async function releaseJobs(namespace: string): Promise<void> {
  const jobs = await kubectl('-n', namespace, 'get', 'jobs', '-o', 'name')
  const patch = JSON.stringify({ metadata: { finalizers: null } })
  for (const job of jobs.split('\n').filter((line) => line !== '')) {
    await kubectl('-n', namespace, 'patch', job, '--type=merge', '-p', patch)
  }
}
