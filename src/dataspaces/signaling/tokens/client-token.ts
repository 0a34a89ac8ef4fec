import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { KindError, messageOf } from '../../../util/errors.ts'
import { DocumentError } from '../json-documents.ts'
import type { DidKeys } from './did-keys.ts'

/** Accepted algorithms: asymmetric ones only, and never `none`. */
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

/** Tolerated difference between clocks, in seconds. */
const tolerance = 30

/** An invalid JWT of a renewal; `unavailable`: its issuer's keys can't be fetched now. */
export class ClientTokenError extends KindError<'refused' | 'unavailable'> {}

export interface ClientToken {
  /** DID of the signer. */
  did: string
  /** The access token to renew. */
  accessToken: string
}

/**
 * Verifies the client of a renewal (profile Token Renewal, "Provider Request Validation"): `iss`
 * and `sub` are the client's DID, `aud` is `audience`, the key `kid` of the DID's document made the
 * signature; `exp` and `nbf` are checked if present. Rejects with ClientTokenError.
 */
export async function verifyClientToken(
  jwt: string,
  audience: string,
  keys: DidKeys,
  now = new Date(),
): Promise<ClientToken> {
  const { did, kid, alg } = readUnverified(jwt)
  const payload = await verified(jwt, did, kid, alg, { audience, keys, now })
  if (payload.sub !== did) throw new ClientTokenError('refused', 'sub differs from iss')
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
    // A document may contain a private or a symmetric key by mistake; neither proves the signer.
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
