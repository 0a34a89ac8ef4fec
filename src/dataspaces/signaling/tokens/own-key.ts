import { randomUUID } from 'node:crypto'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import { createJson } from '../../../store/json-objects.ts'
import { readWhole } from '../../../store/read-whole.ts'
import type { ArtifactStore } from '../../../store/store.ts'

const keyOfKey = 'signaling/signing-key.json'
const algorithm = 'ES256'

/**
 * This data plane's signing key, in the store for all replicas and restarts. Methods reject with
 * StoreError.
 */
export interface OwnKey {
  /** Signs a JWT about `sub` for `aud` that is valid for the given seconds. */
  sign(claims: { sub: string; aud: string; seconds: number }): Promise<string>
  /**
   * Verifies a JWT that sign() made for this data plane itself; resolves with its claims. Rejects
   * with jose's errors.
   */
  verify(jwt: string): Promise<JWTPayload>
  /** The public key for verification. */
  publicKeys(): Promise<JSONWebKeySet>
}

export function createOwnKey(store: ArtifactStore, dataplaneId: string): OwnKey {
  let loading: Promise<JWK> | undefined
  const load = () => {
    loading ??= readOrMake(store).catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
  const publicKey = async () => {
    const { d: _secret, ...jwk } = await load()
    return jwk
  }
  return {
    async sign({ sub, aud, seconds }) {
      const jwk = await load()
      return await new SignJWT()
        .setProtectedHeader({ alg: algorithm, kid: jwk.kid ?? '' })
        .setIssuer(dataplaneId)
        .setSubject(sub)
        .setAudience(aud)
        .setIssuedAt()
        .setExpirationTime(`${seconds}s`)
        .setJti(randomUUID())
        .sign(await importJWK(jwk, algorithm))
    },

    async verify(jwt) {
      const options = {
        ...{ issuer: dataplaneId, audience: dataplaneId, algorithms: [algorithm] },
        requiredClaims: ['exp'],
      }
      const { payload } = await jwtVerify(jwt, await importJWK(await publicKey(), algorithm), options)
      return payload
    },

    async publicKeys() {
      return { keys: [await publicKey()] }
    },
  }
}

/** Makes the key; if several replicas do at once, the first one's is used. */
async function readOrMake(store: ArtifactStore): Promise<JWK> {
  if ((await store.head(keyOfKey)) === undefined) {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
    const jwk = await exportJWK(privateKey)
    const kid = await calculateJwkThumbprint(jwk)
    await createJson(store, keyOfKey, { ...jwk, kid, alg: algorithm, use: 'sig' })
  }
  const { bytes } = await readWhole(store, keyOfKey)
  return JSON.parse(bytes.toString('utf8')) as JWK
}
