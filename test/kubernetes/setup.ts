import { KubeConfig } from '@kubernetes/client-node'
import type { JobBackend } from '../../src/job/backend.ts'
import { type Api, createApi } from '../../src/kubernetes/api.ts'
import { createKubernetesBackend } from '../../src/kubernetes/backend.ts'
import { createClient } from '../../src/kubernetes/client.ts'
import { managedSelector } from '../../src/kubernetes/names.ts'
import { dropFinalizer } from '../../src/kubernetes/removal.ts'
import type { KubernetesSettings } from '../../src/kubernetes/settings.ts'
import { createLog } from '../../src/log.ts'
import type { BackendUnderTest } from '../job/backend.conformance.ts'
import { temporaryBucket } from '../support/bucket.ts'
import { temporaryNamespace } from '../support/cluster.ts'
import { given } from '../support/test-run.ts'
import { clusterRequest } from './request.ts'

export interface ClusterUnderTest extends BackendUnderTest {
  readonly settings: KubernetesSettings
  /** The cluster itself, to look and to interfere. */
  readonly api: Api
  /** Another backend over the same namespace, not started; the caller closes it. */
  another(settings?: Partial<KubernetesSettings>): JobBackend
}

/** A started backend in a namespace and with a bucket of its own. */
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
    store: {
      endpointForPods: given('S3_ENDPOINT_FOR_PODS'),
      bucket: bucket.name,
      region: 'us-east-1',
      prefix: '',
    },
    uploaderCredentials: { accessKey: given('S3_ACCESS_KEY'), secretKey: given('S3_SECRET_KEY') },
    ...more,
  }
  const { api, close: closeApi } = apiOf(settings)
  const another = (other: Partial<KubernetesSettings> = {}) =>
    createKubernetesBackend({ ...settings, ...other }, createLog('test', 'silent'))
  const under: ClusterUnderTest = {
    settings,
    api,
    another,
    backend: another(),
    async restart() {
      await under.backend.close()
      under.backend = another()
      await under.backend.start()
      return under.backend
    },
    request: clusterRequest,
    async close() {
      await under.backend.close()
      // What a failed test left would keep its namespace from going.
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

function apiOf({ kubeconfig, namespace }: KubernetesSettings): { api: Api; close: () => Promise<void> } {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig ?? '')
  const client = createClient(config)
  return { api: createApi(client, namespace), close: () => client.close() }
}
