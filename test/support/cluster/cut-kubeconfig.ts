import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FaultProxy, startFaultProxy } from '../store/fault-proxy.ts'
import { kubectlJson } from './cluster.ts'

export interface CutKubeconfig extends AsyncDisposable {
  /** Path of a kubeconfig that reaches the cluster only through the proxy. */
  readonly kubeconfig: string
  /** Passes TLS as bytes, so that it can hang and cut but not answer. */
  readonly proxy: FaultProxy
}

/** `original`: path of the kubeconfig of a cluster other than the tests' own. */
export async function cutKubeconfig(original?: string): Promise<CutKubeconfig> {
  interface Config {
    clusters: { cluster: Record<string, unknown> & { server: string } }[]
  }
  const from = original === undefined ? [] : ['--kubeconfig', original]
  const config = await kubectlJson<Config>(...from, 'config', 'view', '--raw', '--minify')
  const cluster = config.clusters[0]?.cluster
  if (cluster === undefined) throw new Error('the kubeconfig has no cluster')
  const proxy = await startFaultProxy(cluster.server)
  cluster.server = proxy.url.replace('http:', 'https:')
  // The API server's certificate doesn't name the proxy's address.
  delete cluster['certificate-authority-data']
  delete cluster['certificate-authority']
  cluster['insecure-skip-tls-verify'] = true
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 })
  const close = async () => {
    await proxy.close()
    await rm(folder, { recursive: true })
  }
  return { kubeconfig, proxy, [Symbol.asyncDispose]: close }
}
