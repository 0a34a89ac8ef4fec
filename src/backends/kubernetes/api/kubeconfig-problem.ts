import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { messageOf } from '../../../util/errors.ts'
import { isObject } from '../../../util/objects.ts'

export const expectedKubeconfig =
  "expected one kubeconfig file whose current context names a cluster's address"

/**
 * What is wrong with a kubeconfig file, for people; undefined if nothing is. Without the Kubernetes
 * client, which takes long to load.
 */
export function kubeconfigProblem(path: string): string | undefined {
  try {
    const config: unknown = parse(readFileSync(path, 'utf8'))
    if (serverOf(config) !== undefined) return undefined
    return `KUBECONFIG ${path}: its current context names no cluster; ${expectedKubeconfig}`
  } catch (error) {
    // The first line of a YAML error, which quotes the file below it.
    const problem = messageOf(error).split('\n')[0]?.replace(/:$/, '')
    return `KUBECONFIG ${path}: ${problem}; ${expectedKubeconfig}`
  }
}

function serverOf(config: unknown): unknown {
  if (!isObject(config)) return undefined
  const context = named(config.contexts, config['current-context'])?.context
  const cluster = isObject(context) ? named(config.clusters, context.cluster)?.cluster : undefined
  return isObject(cluster) ? cluster.server : undefined
}

function named(list: unknown, name: unknown): Record<string, unknown> | undefined {
  return Array.isArray(list) ? list.filter(isObject).find((item) => item.name === name) : undefined
}
