import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { StoreError } from '../../../store/store.ts'
import { Problem } from '../../../util/errors.ts'
import { isObject } from '../../../util/objects.ts'
import { type ClientCredentials, checkAuthorization } from '../control-planes/authorization.ts'
import type { ControlPlanes } from '../control-planes/control-planes.ts'
import { DocumentError, type JsonDocuments } from '../json-documents.ts'
import { publicKeyAlgorithms } from './client-token.ts'
import type { OwnKey } from './own-key.ts'

/** Lifetime of tokens that this data plane issues, in seconds. */
export const callerTokenSeconds = 300
const tolerance = 30

export interface CallerTokenParts {
  ownKey: Pick<OwnKey, 'sign' | 'verify'>
  controlPlanes: Pick<ControlPlanes, 'get'>
  documents: JsonDocuments
  dataplaneId: string
}

/**
 * Tokens of control planes that call this data plane (profile OAuth 2 Client Credentials Grant).
 */
export interface CallerTokens {
  /**
   * Issues a token after the caller showed its secret; it is valid for signaling endpoints only.
   * Rejects with StoreError.
   */
  issue(name: string): Promise<string>
  /**
   * The owner of a token of issue() or of a token signed with a registered control plane's key;
   * undefined for every other token and for one that was used before. Rejects with StoreError, and
   * with a Problem `unavailable` if the keys can't be fetched now.
   */
  verify(jwt: string): Promise<string | undefined>
}

export function createCallerTokens(parts: CallerTokenParts): CallerTokens {
  const { ownKey, controlPlanes, documents, dataplaneId } = parts
  // `max` would allocate 5 MiB at once.
  const seen = new LRUCache<string, true>({ maxSize: 100_000, sizeCalculation: () => 1, ttl: 3_600_000 })
  async function verifySigned(jwt: string, sub: string): Promise<string | undefined> {
    const authorization = (await controlPlanes.get(sub))?.authorization
    if (authorization === undefined) return undefined
    const keys = await keysOf(checkAuthorization(authorization), documents, decodeProtectedHeader(jwt).kid)
    // The profile allows control planes without keys; here they are refused, since nothing proves
    // the signer.
    if (keys === undefined) return undefined
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(keys), {
      subject: sub,
      audience: dataplaneId,
      algorithms: publicKeyAlgorithms,
      requiredClaims: ['iss', 'iat', 'exp'],
      clockTolerance: tolerance,
    })
    const used = payload.jti === undefined ? undefined : `${sub} ${payload.jti}`
    if (used !== undefined && seen.has(used)) return undefined
    if (used !== undefined) seen.set(used, true)
    return sub
  }

  return {
    issue: (name) => ownKey.sign({ sub: name, aud: dataplaneId, seconds: callerTokenSeconds }),

    async verify(jwt) {
      try {
        const { iss, sub } = decodeJwt(jwt)
        if (sub === undefined) return undefined
        if (iss === dataplaneId) return (await ownKey.verify(jwt)).sub
        return await verifySigned(jwt, sub)
      } catch (error) {
        if (error instanceof StoreError || error instanceof Problem) throw error
        if (!(error instanceof DocumentError) || error.kind === 'refused') return undefined
        throw new Problem('unavailable', `The keys of the caller can not be fetched: ${error.message}`, {
          cause: error,
        })
      }
    },
  }
}

/**
 * The registered keys that may have signed; a JWKS URL is read again if `kid` is not among its
 * keys.
 */
async function keysOf(
  { jwks, jwksUri }: ClientCredentials,
  documents: JsonDocuments,
  kid: string | undefined,
): Promise<JSONWebKeySet | undefined> {
  if (jwks !== undefined) return jwks as unknown as JSONWebKeySet
  if (jwksUri === undefined) return undefined
  return await documents.find(jwksUri, (document) => {
    const { keys }: Partial<JSONWebKeySet> = isObject(document) ? document : {}
    if (!Array.isArray(keys)) return undefined
    return kid === undefined || keys.some((one) => one?.kid === kid) ? { keys } : undefined
  })
}
