import { defined } from '../../../util/objects.ts'
import type { ApiCall, Client } from './client.ts'
import type {
  ConfigMap,
  Event,
  KubernetesJob,
  KubernetesObject,
  Lease,
  Pod,
  Secret,
  Service,
} from './objects.ts'
import { hasStatus } from './status-error.ts'

/**
 * The kinds of objects that Jobferry works with, all in one namespace. Methods reject as
 * Client.call does.
 */
export type Api = ReturnType<typeof createApi>

export function createApi(client: Client, namespace: string) {
  const core = `/api/v1/namespaces/${namespace}`
  return {
    client,
    namespace,
    jobs: resource<KubernetesJob>(client, `/apis/batch/v1/namespaces/${namespace}/jobs`),
    pods: resource<Pod>(client, `${core}/pods`),
    events: resource<Event>(client, `${core}/events`),
    configMaps: resource<ConfigMap>(client, `${core}/configmaps`),
    secrets: resource<Secret>(client, `${core}/secrets`),
    services: resource<Service>(client, `${core}/services`),
    leases: resource<Lease>(client, `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`),
  }
}

export interface Resource<T> {
  /** The path of its list, and of a POST. */
  readonly path: string
  /** Undefined if there is none. */
  get(name: string): Promise<T | undefined>
  list(query: ListQuery, signal?: AbortSignal): Promise<List<T>>
  /** Only the metadata of the selected objects: the values of Secrets are not sent. */
  listMetadata(query: ListQuery): Promise<KubernetesObject[]>
  create(object: T): Promise<T>
  replace(name: string, object: T): Promise<T>
  /** JSON Merge Patch (RFC 7386). */
  merge(name: string, patch: object): Promise<T>
  /** JSON Patch (RFC 6902); a `test` that fails is a 422. */
  patch(name: string, operations: readonly JsonPatchOperation[]): Promise<T>
  /** Strategic merge patch of its status alone: conditions are merged by their type. */
  patchStatus(name: string, patch: object): Promise<T>
  /** False if there was none, or a precondition failed. */
  remove(name: string, options?: DeleteOptions): Promise<boolean>
}

export interface ListQuery {
  labelSelector?: string
  fieldSelector?: string
  limit?: number
  continue?: string
}

export interface List<T> {
  metadata: { resourceVersion?: string; continue?: string }
  items: T[]
}

/** The API server may write an empty list as null, as Go does. */
type WireList<T> = Omit<List<T>, 'items'> & { items: T[] | null }

export interface DeleteOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Background' | 'Foreground'
  preconditions?: { uid?: string; resourceVersion?: string }
}

export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'test'
  path: string
  value?: unknown
}

const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

function resource<T extends KubernetesObject>(client: Client, path: string): Resource<T> {
  const one = (name: string) => `${path}/${encodeURIComponent(name)}`
  const send = async <Answer>(call: ApiCall) => (await client.call(call)) as Answer
  const update = (path: string, body: unknown, contentType: string) =>
    send<T>({ method: 'PATCH', path, body, contentType })
  return {
    path,
    get: (name) => absentAs(undefined, send<T>({ method: 'GET', path: one(name) }), 404),
    list: async (query, signal) => {
      const call = { method: 'GET', path, query: { ...query }, ...defined({ signal }) } as const
      const answer = await send<WireList<T>>(call)
      return { metadata: answer.metadata, items: answer.items ?? [] }
    },
    listMetadata: async (query) => {
      const call = { method: 'GET', path, query: { ...query }, accept: metadataOnly } as const
      return (await send<WireList<KubernetesObject>>(call)).items ?? []
    },
    create: (body) => send<T>({ method: 'POST', path, body }),
    replace: (name, body) => send<T>({ method: 'PUT', path: one(name), body }),
    merge: (name, body) => update(one(name), body, 'application/merge-patch+json'),
    patch: (name, body) => update(one(name), body, 'application/json-patch+json'),
    patchStatus: (name, body) =>
      update(`${one(name)}/status`, body, 'application/strategic-merge-patch+json'),
    remove: (name, body = {}) =>
      // 409: a precondition failed.
      absentAs(
        false,
        send({ method: 'DELETE', path: one(name), body }).then(() => true),
        404,
        409,
      ),
  }
}

async function absentAs<T, Absent>(absent: Absent, answer: Promise<T>, ...statuses: number[]) {
  try {
    return await answer
  } catch (error) {
    if (hasStatus(error, ...statuses)) return absent
    throw error
  }
}
