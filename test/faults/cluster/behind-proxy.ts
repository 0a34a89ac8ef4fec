import { type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'

export interface BehindProxy extends AsyncDisposable {
  url: string
  api: OnCluster
  proxy: FaultProxy
}

/** Starts an API whose pods reach the store through a proxy. */
export async function behindProxy(): Promise<BehindProxy> {
  const proxy = await startFaultProxy(given('S3_ENDPOINT_FOR_PODS'), given('NODE_ADDRESS'))
  const environment = { S3_ENDPOINT_FOR_PODS: proxy.url }
  const api = await startOnCluster({ name: 'limits', environment })
  return {
    url: api.url,
    api,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy.setFault({ kind: 'pass' })
      await api.close()
      await proxy.close()
    },
  }
}
