import { KubeConfig } from '@kubernetes/client-node'
import { type Api, createApi } from '../../../src/backends/kubernetes/api/api.ts'
import { createClient } from '../../../src/backends/kubernetes/api/client.ts'
import { createKubernetesBackend } from '../../../src/backends/kubernetes/kubernetes-backend.ts'
import { managedSelector } from '../../../src/backends/kubernetes/names.ts'
import { dropFinalizer } from '../../../src/backends/kubernetes/operations/removal.ts'
import type { KubernetesSettings } from '../../../src/backends/kubernetes/settings.ts'
import type { JobBackend } from '../../../src/job/backend.ts'
import type { Leadership } from '../../../src/job/leadership.ts'
import { s3Factory } from '../../../src/store/s3/s3-factory.ts'
import { createLog } from '../../../src/util/log.ts'
import type { BackendUnderTest } from '../../job/backend-under-test.ts'
import { temporaryNamespace } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { temporaryBucket } from '../../support/store/bucket.ts'
import { clusterRequest } from './request.ts'

export interface ClusterUnderTest extends BackendUnderTest {
  readonly settings: KubernetesSettings
  readonly bucket: string
  /** Direct access to the cluster, to check it and to interfere. */
  readonly api: Api
  /** Another backend over the same namespace, not started; the caller closes it. */
  another(settings?: Partial<KubernetesSettings>): { backend: JobBackend; leadership: Leadership }
}

/** A started backend with its own namespace and bucket. */
export async function clusterUnderTest(more: Partial<KubernetesSettings> = {}): Promise<ClusterUnderTest> {
  const namespace = await temporaryNamespace('kubernetes', more.podSecurity)
  const bucket = await temporaryBucket()
  const settings: KubernetesSettings = {
    kubeconfig: given('KUBECONFIG'),
    namespace: namespace.name,
    uploaderImage: given('UPLOADER_IMAGE'),
    uploaderPort: 47100,
    podSecurity: 'baseline',
    lostNodeSeconds: 300,
    store: storeInBucket(bucket.name, given('S3_ACCESS_KEY'), given('S3_SECRET_KEY')),
    ...more,
  }
  const { api, close: closeApi } = apiOf(settings)
  const another = (other: Partial<KubernetesSettings> = {}) =>
    createKubernetesBackend({ ...settings, ...other }, createLog('test', 'silent'))
  const under: ClusterUnderTest = {
    settings,
    bucket: bucket.name,
    api,
    another,
    ...another(),
    async restart() {
      await under.backend.close()
      Object.assign(under, another())
      await under.backend.start()
      return under.backend
    },
    request: clusterRequest,
    async close() {
      await under.backend.close()
      // Finalizers left by a failed test would block the removal of the namespace.
      for (const { metadata } of await api.jobs.listMetadata({ labelSelector: managedSelector })) {
        await dropFinalizer(api, metadata?.name ?? '', metadata?.uid ?? '')
      }
      await closeApi()
      await namespace.remove()
      await bucket.remove()
    },
  }
  await under.backend.start()
  return under
}

/** As pods reach it. */
export function storeInBucket(bucket: string, accessKey: string, secretKey: string) {
  const endpoint = given('S3_ENDPOINT_FOR_PODS')
  return s3Factory.forChildren({ endpoint, bucket, region: 'us-east-1', prefix: '', accessKey, secretKey })
}

function apiOf({ kubeconfig, namespace }: KubernetesSettings): { api: Api; close: () => Promise<void> } {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig ?? '')
  const client = createClient(config)
  return { api: createApi(client, namespace), close: () => client.close() }
}
