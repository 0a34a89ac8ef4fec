import type { EnvSource } from '../../../job/pod/env-from.ts'
import { Problem } from '../../../util/errors.ts'
import type { Api } from '../api/api.ts'
import type { Pod } from '../api/objects.ts'
import { problemOf } from '../api/status-error.ts'
import { managedSelector } from '../names.ts'
import type { OwnPod } from './own-image.ts'

/**
 * Those of the sources that Jobferry made, for jobs and as environments, and those that the API's own
 * pod uses: its settings with the store's keys, its certificates. Rejects with Problem.
 */
export async function reservedSources(
  api: Api,
  ownPod: OwnPod | undefined,
  sources: readonly EnvSource[],
): Promise<EnvSource[]> {
  if (sources.length === 0) return []
  try {
    const own = await namesInOwnPod(api, ownPod)
    const isReserved = async ({ secret, config_map: configMap }: EnvSource) => {
      if (secret !== undefined) return own.secrets.has(secret) || (await isOurs(api.secrets, secret))
      if (configMap === undefined) return false
      return own.configMaps.has(configMap) || (await isOurs(api.configMaps, configMap))
    }
    const found = await Promise.all(sources.map(isReserved))
    return sources.filter((_, index) => found[index])
  } catch (error) {
    throw problemOf(error)
  }
}

async function isOurs(resource: Api['secrets'] | Api['configMaps'], name: string): Promise<boolean> {
  const query = { labelSelector: managedSelector, fieldSelector: `metadata.name=${name}` }
  return (await resource.listMetadata(query)).length > 0
}

async function namesInOwnPod(api: Api, ownPod: OwnPod | undefined) {
  const own = ownPod && (await readOwnPod(api, ownPod))
  return { secrets: secretsOf(own), configMaps: configMapsOf(own) }
}

/** Without the pod it isn't known which Secrets are the API's: none may be read then. */
async function readOwnPod(api: Api, { name, uid }: OwnPod): Promise<Pod> {
  const { items } = await api.pods.list({ fieldSelector: `metadata.name=${name}` })
  const own = items.find(({ metadata }) => metadata?.uid === uid)
  if (own !== undefined) return own
  const detail = `The API does not find its own pod ${name} with the UID of POD_UID in ${api.namespace}, so it can't tell which Secrets and ConfigMaps of \`env_from\` are its own`
  throw new Problem('unavailable', detail, { retryAfterSeconds: 5 })
}

function secretsOf(pod: Pod | undefined): Set<string | undefined> {
  const { volumes = [], imagePullSecrets = [] } = pod?.spec ?? {}
  const { env, envFrom } = variablesOf(pod)
  return new Set([
    ...imagePullSecrets.map(({ name }) => name),
    ...envFrom.map(({ secretRef }) => secretRef?.name),
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ...volumes.map(({ secret }) => secret?.secretName),
    ...volumes.flatMap(({ projected }) => projected?.sources?.map(({ secret }) => secret?.name) ?? []),
  ])
}

function configMapsOf(pod: Pod | undefined): Set<string | undefined> {
  const { volumes = [] } = pod?.spec ?? {}
  const { env, envFrom } = variablesOf(pod)
  return new Set([
    ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
    ...volumes.map(({ configMap }) => configMap?.name),
    ...volumes.flatMap(({ projected }) => projected?.sources?.map(({ configMap }) => configMap?.name) ?? []),
  ])
}

function variablesOf(pod: Pod | undefined) {
  const { containers = [], initContainers = [] } = pod?.spec ?? {}
  const all = [...initContainers, ...containers]
  return {
    env: all.flatMap(({ env = [] }) => env),
    envFrom: all.flatMap(({ envFrom = [] }) => envFrom),
  }
}
