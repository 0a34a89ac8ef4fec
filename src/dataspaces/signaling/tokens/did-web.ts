import { isObject } from '../../../util/objects.ts'

/**
 * URL of a `did:web`'s DID document (did:web method, "Read"): `did:web:example.com%3A8443:users:a`
 * is at `https://example.com:8443/users/a/did.json`. Undefined for other methods and invalid host
 * names.
 */
export function didWebUrl(did: string): string | undefined {
  const [scheme, method, host, ...path] = did.split(':')
  if (scheme !== 'did' || method !== 'web' || host === undefined) return undefined
  const authority = decoded(host)
  if (authority === undefined || !/^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(authority)) return undefined
  const segments = path.map(decoded)
  if (segments.some((segment) => segment === undefined || !/^[A-Za-z0-9._~!$&'()*+,;=@-]+$/.test(segment))) {
    return undefined
  }
  if (segments.some((segment) => segment === '.' || segment === '..')) return undefined
  const folder = path.length === 0 ? '/.well-known' : `/${segments.join('/')}`
  const url = `https://${authority}${folder}/did.json`
  return URL.canParse(url) ? url : undefined
}

/** A public key of a DID document. */
export interface VerificationMethod {
  id: string
  controller?: string
  publicKeyJwk?: Record<string, unknown>
}

/**
 * The key that `kid` names in the document of `did`; document and `kid` may use the whole id or its
 * fragment only. Undefined if there is none, or if the id or the key's controller is another DID.
 */
export function findKey(document: unknown, did: string, kid: string): VerificationMethod | undefined {
  if (!isDocumentOf(document, did)) return undefined
  const wanted = absolute(did, kid)
  if (!wanted.startsWith(`${did}#`)) return undefined
  for (const method of document.verificationMethod) {
    if (typeof method?.id !== 'string' || absolute(did, method.id) !== wanted) continue
    return method.controller === undefined || method.controller === did ? method : undefined
  }
  return undefined
}

function isDocumentOf(
  document: unknown,
  did: string,
): document is { verificationMethod: VerificationMethod[] } {
  if (!isObject(document)) return false
  const { id, verificationMethod } = document
  return id === did && Array.isArray(verificationMethod)
}

function absolute(did: string, id: string): string {
  if (id.startsWith('did:')) return id
  return id.startsWith('#') ? `${did}${id}` : `${did}#${id}`
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
