import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'minio'
import { type ApiProcess, startApiProcess } from './api-process.ts'
import { temporaryBucket, testStore } from './bucket.ts'
import { kubectl, kubectlJson, temporaryNamespace } from './cluster.ts'
import { deleteJobs, releaseJobs } from './on-cluster.ts'
import { given } from './test-run.ts'

export interface ApiOnCluster extends AsyncDisposable {
  readonly namespace: string
  readonly bucket: string
  /** Sees the bucket without the project's code. */
  readonly client: Client
  /** One more API process on this namespace and bucket; those that still run at the end are stopped then. */
  start(environment?: Readonly<Record<string, string>>): Promise<ApiProcess>
  /** Deletes every job through an API, ends all of them, removes bucket and namespace. */
  close(): Promise<void>
  /** As close(), without the jobs' deletion: for a test that took the API's namespace away. */
  discard(): Promise<void>
}

export interface ApiOnClusterOptions {
  /** What the namespace's name begins with. */
  name: string
  /** The API calls the cluster as the service account of manifests/base, so that the audit log shows its calls. */
  asServiceAccount?: boolean
  /** Settings of the API beside those that say where cluster and store are. */
  environment?: Readonly<Record<string, string>>
}

/** A namespace and a bucket for APIs that are processes of their own: several, and some that are killed. */
export async function apiOnCluster(options: ApiOnClusterOptions): Promise<ApiOnCluster> {
  const namespace = await temporaryNamespace(options.name)
  const bucket = await temporaryBucket()
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  const kubeconfig = options.asServiceAccount
    ? await serviceAccountKubeconfig(namespace.name, folder)
    : given('KUBECONFIG')
  const { endpoint, accessKey, secretKey } = testStore()
  const settings = {
    KUBECONFIG: kubeconfig,
    NAMESPACE: namespace.name,
    UPLOADER_IMAGE: given('UPLOADER_IMAGE'),
    S3_ENDPOINT: endpoint,
    S3_ENDPOINT_FOR_PODS: given('S3_ENDPOINT_FOR_PODS'),
    S3_ACCESS_KEY: accessKey,
    S3_SECRET_KEY: secretKey,
    S3_BUCKET: bucket.name,
    ...options.environment,
  }
  const started: ApiProcess[] = []
  const start = async (environment = {}) => {
    const api = await startApiProcess({ ...settings, ...environment })
    started.push(api)
    return api
  }
  const discard = async () => {
    await Promise.all(started.map((api) => api.stop()))
    await releaseJobs(namespace.name)
    await Promise.all([namespace.remove(), bucket.remove(), rm(folder, { recursive: true })])
  }
  const close = async () => {
    try {
      // Others may still run: it is none of them.
      const last = await start({ POD_UID: '' })
      await deleteJobs(last.url, namespace.name)
    } finally {
      await discard()
    }
  }
  return {
    namespace: namespace.name,
    bucket: bucket.name,
    client: bucket.client,
    start,
    close,
    discard,
    [Symbol.asyncDispose]: close,
  }
}

/** A kubeconfig with the token of the service account that manifests/base makes. */
async function serviceAccountKubeconfig(namespace: string, folder: string): Promise<string> {
  await kubectl('-n', namespace, 'apply', '-f', 'manifests/base/rbac.yaml')
  const token = await kubectl('-n', namespace, 'create', 'token', 'jobferry', '--duration=2h')
  const config = await kubectlJson<{ users: { user: Record<string, unknown> }[] }>('config', 'view', '--raw')
  const user = config.users[0]
  if (user === undefined) throw new Error('the kubeconfig has no user')
  user.user = { token: token.trim() }
  const file = join(folder, 'kubeconfig')
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  return file
}
