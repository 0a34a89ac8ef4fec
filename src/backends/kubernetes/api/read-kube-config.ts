import { KubeConfig } from '@kubernetes/client-node'
import { messageOf, StartError } from '../../../util/errors.ts'
import { expectedKubeconfig } from './kubeconfig-problem.ts'

/**
 * The configuration in a kubeconfig file; undefined: of the pod's service account. Throws a
 * StartError if it is no kubeconfig, or its current context names no cluster.
 */
export function readKubeConfig(path: string | undefined): KubeConfig {
  const config = new KubeConfig()
  try {
    if (path === undefined) config.loadFromDefault()
    else config.loadFromFile(path)
  } catch (cause) {
    throw wrong(path, messageOf(cause).split('\n')[0] ?? '', cause)
  }
  if (!config.getCurrentCluster()?.server) throw wrong(path, 'its current context names no cluster')
  return config
}

function wrong(path: string | undefined, problem: string, cause?: unknown): StartError {
  const message = `settings: KUBECONFIG ${path ?? ''}: ${problem}; ${expectedKubeconfig}`
  return new StartError(message, { cause })
}
