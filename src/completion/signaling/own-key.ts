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
import { readWhole } from '../../artifact/read-whole.ts'
import { type ArtifactStore, isOccupied } from '../../artifact/store.ts'
import { putJson } from '../json-objects.ts'

const keyOfKey = 'signaling/signing-key.json'
const algorithm = 'ES256'

/** The key of this data plane, in the store: one for all replicas and restarts. Rejects with StoreError. */
export interface OwnKey {
  /** A JWT of this data plane about `sub`, for `aud`, good for so many seconds. */
  sign(claims: { sub: string; aud: string; seconds: number }): Promise<string>
  /** The claims of one that sign() made for this data plane itself. Rejects with an error of jose. */
  verify(jwt: string): Promise<JWTPayload>
  /** What others verify with. */
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

/** Of several that make one, the first one's stands. */
async function readOrMake(store: ArtifactStore): Promise<JWK> {
  if ((await store.head(keyOfKey)) === undefined) {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
    const jwk = await exportJWK(privateKey)
    const kid = await calculateJwkThumbprint(jwk)
    try {
      await putJson(store, keyOfKey, { ...jwk, kid, alg: algorithm, use: 'sig' }, { ifAbsent: true })
    } catch (error) {
      if (!isOccupied(error)) throw error
    }
  }
  const { bytes } = await readWhole(store, keyOfKey)
  return JSON.parse(bytes.toString('utf8')) as JWK
}
