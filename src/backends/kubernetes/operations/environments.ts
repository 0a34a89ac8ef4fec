import { randomBytes } from 'node:crypto'
import type { EnvironmentInfo, Environments } from '../../../job/backend.ts'
import { Problem } from '../../../util/errors.ts'
import type { Api, Resource } from '../api/api.ts'
import { listAll } from '../api/list-pages.ts'
import type { ConfigMap, KubernetesObject, Secret } from '../api/objects.ts'
import { hasStatus, problemOf } from '../api/status-error.ts'
import { environmentSelector, kind, managedBy } from '../names.ts'
import type { EnvironmentKind } from '../spec/worker-container.ts'

/** Environments are ConfigMaps and Secrets with our label for them. */
export function createEnvironments(api: Api): Environments {
  async function create(variables: Readonly<Record<string, string>>, secret: boolean) {
    const id = `env-${randomBytes(8).toString('hex')}`
    const labels = { [managedBy.label]: managedBy.value, [kind.label]: kind.environment }
    const metadata = { name: id, namespace: api.namespace, labels }
    const made = secret
      ? await api.secrets.create({ metadata, stringData: { ...variables } })
      : await api.configMaps.create({ metadata, data: { ...variables } })
    return infoOf(made, secret)
  }

  async function list() {
    const query = { labelSelector: environmentSelector }
    const [plain, secret] = await Promise.all([listAll(api.configMaps, query), listAll(api.secrets, query)])
    const all = [...plain.map((one) => infoOf(one, false)), ...secret.map((one) => infoOf(one, true))]
    return all.sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async function remove(id: string) {
    const [plain, secret] = await Promise.all([find(api.configMaps, id), find(api.secrets, id)])
    const removed = await Promise.all([
      plain === undefined ? false : api.configMaps.remove(id, preconditionsOf(plain)),
      secret === undefined ? false : api.secrets.remove(id, preconditionsOf(secret)),
    ])
    return removed.some(Boolean)
  }

  async function foreign(ids: readonly string[]) {
    const isForeign = async (id: string) => {
      const made = await Promise.all([find(api.configMaps, id), find(api.secrets, id)])
      // The kubelet names an environment that is not there.
      return made.every((one) => one === undefined) && (await exists(api.configMaps, id))
    }
    const found = await Promise.all(ids.map(isForeign))
    return ids.filter((_, index) => found[index])
  }

  return {
    foreign: (ids) => foreign(ids).catch(refused),
    create: (variables, secret) => create(variables, secret).catch(refused),
    list: () => list().catch(refused),
    remove: (id) => remove(id).catch(refused),
  }
}

/**
 * The kind of each id. An id that is none of our Secrets counts as plain: the pod uses a ConfigMap
 * of that name, ours or not, and the kubelet names a missing one. No other Secret of the namespace
 * can be used in this way.
 */
export async function environmentKinds(api: Api, ids: readonly string[]): Promise<EnvironmentKind[]> {
  const secrets = await Promise.all(ids.map((id) => find(api.secrets, id)))
  return secrets.map((secret) => (secret === undefined ? 'plain' : 'secret'))
}

async function find(resource: Resource<Secret> | Resource<ConfigMap>, id: string) {
  // Any other text is no name in Kubernetes and could extend the selector.
  if (!/^[a-z0-9.-]+$/.test(id)) return undefined
  const query = { labelSelector: environmentSelector, fieldSelector: `metadata.name=${id}` }
  return (await resource.listMetadata(query))[0]
}

async function exists(resource: Resource<ConfigMap>, id: string): Promise<boolean> {
  return (await resource.listMetadata({ fieldSelector: `metadata.name=${id}` })).length > 0
}

function preconditionsOf(object: KubernetesObject) {
  return object.metadata?.uid === undefined ? {} : { preconditions: { uid: object.metadata.uid } }
}

function infoOf(object: ConfigMap | Secret, secret: boolean): EnvironmentInfo {
  return {
    id: object.metadata?.name ?? '',
    secret,
    names: Object.keys(object.data ?? {}).sort(),
    created_at: new Date(object.metadata?.creationTimestamp ?? 0).toISOString(),
  }
}

function refused(error: unknown): never {
  if (hasStatus(error, 400, 413, 422)) {
    const detail = 'Kubernetes refuses these variables: they are too many or too large, 1 MiB in all.'
    throw new Problem('invalid-request', detail, { cause: error })
  }
  throw problemOf(error)
}
