import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** One request to the API server, from its audit log. */
export interface AuditedCall {
  verb: string
  /** Resource with its API group and subresource, if any: `batch/jobs`, `pods/log`. */
  resource: string
  namespace: string | undefined
  /** Undefined for a list, and for a creation that names the object only in its body. */
  name: string | undefined
  status: number
}

interface AuditEvent {
  auditID: string
  user: { username: string }
  verb: string
  objectRef?: { apiGroup?: string; resource: string; subresource?: string; namespace?: string; name?: string }
  responseStatus?: { code: number }
}

/** All requests of a service account, without those for non-resource paths (`/version`). */
export function callsOf(log: string, namespace: string, account: string): Promise<AuditedCall[]> {
  return callsOfUser(log, `system:serviceaccount:${namespace}:${account}`)
}

/** As callsOf(), for any user. */
export async function callsOfUser(log: string, username: string): Promise<AuditedCall[]> {
  // A watch or a log has two audit events, at the beginning and at the end of its answer.
  const calls = new Map<string, AuditedCall>()
  for await (const line of createInterface({ input: createReadStream(log) })) {
    if (!line.includes(username)) continue
    const event = JSON.parse(line) as AuditEvent
    if (event.user.username !== username || event.objectRef === undefined) continue
    const { apiGroup, resource, subresource, namespace: where, name } = event.objectRef
    calls.set(event.auditID, {
      verb: event.verb,
      resource: [apiGroup, resource, subresource].filter(Boolean).join('/'),
      namespace: where,
      name,
      status: event.responseStatus?.code ?? 0,
    })
  }
  return [...calls.values()]
}
