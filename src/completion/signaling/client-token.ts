import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { messageOf } from '../../errors.ts'
import type { DidKeys } from './did-keys.ts'
import { DocumentError } from './json-documents.ts'

/** Signatures that a public key verifies; nothing symmetric, and never `none`. */
export const publicKeyAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
]

/** Of clocks, in seconds. */
const tolerance = 30

/** A renewal's JWT that proves nothing; `unavailable`: its issuer's keys can't be had now. */
export class ClientTokenError extends Error {
  readonly kind: 'refused' | 'unavailable'

  constructor(kind: ClientTokenError['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ClientTokenError'
    this.kind = kind
  }
}

export interface ClientToken {
  /** Who signed it. */
  did: string
  /** The access token that it names. */
  accessToken: string
}

/**
 * Who asks for a new access token (profile Token Renewal, "Provider Request Validation"): `iss` and `sub` are the
 * client's DID, `aud` is `audience`, the signature is that of the key `kid` in the DID's document; `exp`, `nbf` hold
 * where they are there. Rejects with ClientTokenError.
 */
export async function verifyClientToken(
  jwt: string,
  audience: string,
  keys: DidKeys,
  now = new Date(),
): Promise<ClientToken> {
  const { did, kid, alg } = readUnverified(jwt)
  const payload = await verified(jwt, did, kid, alg, { audience, keys, now })
  if (payload.sub !== did) throw new ClientTokenError('refused', 'sub is not iss')
  if (typeof payload.token !== 'string' || payload.token === '') {
    throw new ClientTokenError('refused', 'it names no access token (claim token)')
  }
  if (payload.iat !== undefined && payload.iat > now.getTime() / 1000 + tolerance) {
    throw new ClientTokenError('refused', 'iat lies in the future')
  }
  return { did, accessToken: payload.token }
}

function readUnverified(jwt: string): { did: string; kid: string; alg: string } {
  try {
    const { kid, alg } = decodeProtectedHeader(jwt)
    const { iss } = decodeJwt(jwt)
    if (typeof kid !== 'string' || kid === '') throw new Error('its header has no kid')
    if (typeof alg !== 'string' || !publicKeyAlgorithms.includes(alg))
      throw new Error(`alg ${alg} is not allowed`)
    if (typeof iss !== 'string' || iss === '') throw new Error('it has no iss')
    return { did: iss, kid, alg }
  } catch (error) {
    throw new ClientTokenError('refused', messageOf(error), { cause: error })
  }
}

async function verified(
  jwt: string,
  did: string,
  kid: string,
  alg: string,
  { audience, keys, now }: { audience: string; keys: DidKeys; now: Date },
): Promise<JWTPayload> {
  try {
    const jwk = (await keys.find(did, kid)) as JWK
    // A document may hold a private or a shared key by mistake: neither proves who signed.
    if (jwk.kty === 'oct') throw new Error(`the key ${kid} is no public key`)
    const { payload } = await jwtVerify(jwt, await importJWK(jwk, alg), {
      issuer: did,
      audience,
      algorithms: publicKeyAlgorithms,
      clockTolerance: tolerance,
      currentDate: now,
    })
    return payload
  } catch (error) {
    const kind = error instanceof DocumentError ? error.kind : 'refused'
    throw new ClientTokenError(kind, messageOf(error), { cause: error })
  }
}
