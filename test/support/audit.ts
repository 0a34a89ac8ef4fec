import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** One request to the API server, as its audit log has it. */
export interface AuditedCall {
  verb: string
  /** With the API group before and the subresource behind it, where there are any: `batch/jobs`, `pods/log`. */
  resource: string
  namespace: string | undefined
  /** Undefined for a list and a creation whose name the server learns from its body. */
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

/** All that a service account asked for; non-resource paths (`/version`) are left out. */
export function callsOf(log: string, namespace: string, account: string): Promise<AuditedCall[]> {
  return callsOfUser(log, `system:serviceaccount:${namespace}:${account}`)
}

/** The same of any user. */
export async function callsOfUser(log: string, username: string): Promise<AuditedCall[]> {
  // A watch or a log has two events, at its answer's begin and at its end.
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
