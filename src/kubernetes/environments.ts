import { randomBytes } from 'node:crypto'
import { Problem } from '../errors.ts'
import type { EnvironmentInfo, Environments } from '../job/backend.ts'
import type { Api, Resource } from './api.ts'
import { environmentSelector, kind, managedBy } from './names.ts'
import type { ConfigMap, KubernetesObject, Secret } from './objects.ts'
import { hasStatus, problemOf } from './status-error.ts'
import type { EnvironmentKind } from './worker-container.ts'

/** Free-standing environments: ConfigMaps and Secrets that carry our label for them. */
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

  return {
    create: (variables, secret) => create(variables, secret).catch(refused),
    list: () => list().catch(refused),
    remove: (id) => remove(id).catch(refused),
  }
}

/**
 * Which kind each id is. An id that is none of our Secrets counts as plain: a ConfigMap of that name, ours or
 * not, is used, and where there is none either, the kubelet says so by name. Secrets that aren't environments of
 * ours can't be had this way.
 */
export async function environmentKinds(api: Api, ids: readonly string[]): Promise<EnvironmentKind[]> {
  const secrets = await Promise.all(ids.map((id) => find(api.secrets, id)))
  return secrets.map((secret) => (secret === undefined ? 'plain' : 'secret'))
}

async function find(resource: Resource<Secret> | Resource<ConfigMap>, id: string) {
  // Anything else is no name in Kubernetes and might be read as more of the selector.
  if (!/^[a-z0-9.-]+$/.test(id)) return undefined
  const query = { labelSelector: environmentSelector, fieldSelector: `metadata.name=${id}` }
  return (await resource.listMetadata(query))[0]
}

async function listAll<T>(resource: Resource<T>, query: { labelSelector: string }): Promise<T[]> {
  const items: T[] = []
  let from: string | undefined
  do {
    const page = await resource.list({ ...query, limit: 200, ...(from ? { continue: from } : {}) })
    items.push(...page.items)
    from = page.metadata.continue
  } while (from)
  return items
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
