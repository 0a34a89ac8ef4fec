import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'minio'
import { kubectl, kubectlJson, temporaryNamespace } from '../cluster/cluster.ts'
import { given } from '../cluster/test-run.ts'
import { temporaryBucket, testStore } from '../store/bucket.ts'
import { type ApiProcess, startApiProcess } from './api-process.ts'
import { deleteJobs, releaseJobs } from './on-cluster.ts'

export interface ApiOnCluster extends AsyncDisposable {
  readonly namespace: string
  readonly bucket: string
  /** An S3 client without the project's code. */
  readonly client: Client
  /** Starts one more API process on this namespace and bucket; close() and discard() stop it. */
  start(environment?: Readonly<Record<string, string>>): Promise<ApiProcess>
  /** Deletes every job through an API, stops all APIs, removes bucket and namespace. */
  close(): Promise<void>
  /** As close(), without the jobs' deletion: for a test that deletes the namespace itself. */
  discard(): Promise<void>
}

export interface ApiOnClusterOptions {
  /** Prefix of the namespace's name. */
  name: string
  /**
   * The API calls the cluster as the service account of manifests/base, so
   * that the audit log shows its calls.
   */
  asServiceAccount?: boolean
  /** Additional settings of the API; they override the addresses of cluster and store. */
  environment?: Readonly<Record<string, string>>
}

/** Makes a namespace and a bucket for API processes: a test may start several and kill them. */
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
      // Other API processes may still run: this one needs an identity of its own.
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

/**
 * Writes a kubeconfig with the token of manifests/base's service account; resolves with its path.
 */
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
