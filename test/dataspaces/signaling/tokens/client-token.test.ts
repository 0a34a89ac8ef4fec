import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { expect, it } from 'vitest'
import { DocumentError } from '../../../../src/dataspaces/signaling/json-documents.ts'
import {
  ClientTokenError,
  verifyClientToken,
} from '../../../../src/dataspaces/signaling/tokens/client-token.ts'
import type { DidKeys } from '../../../../src/dataspaces/signaling/tokens/did-keys.ts'

const did = 'did:web:consumer.example'
const provider = 'did:web:provider.example'
const kid = `${did}#key-1`
const claims = { iss: did, sub: did, aud: provider, token: 'the-access-token' }
const now = new Date('2026-01-01T12:00:00Z')
const seconds = now.getTime() / 1000

const pairs = {
  ES256: await generateKeyPair('ES256'),
  EdDSA: await generateKeyPair('EdDSA'),
  RS256: await generateKeyPair('RS256'),
  PS384: await generateKeyPair('PS384'),
}
type Algorithm = keyof typeof pairs

async function keysOf(alg: Algorithm): Promise<DidKeys> {
  const jwk = await exportJWK(pairs[alg].publicKey)
  return {
    async find(asked, wanted) {
      if (asked !== did || wanted !== kid) throw new DocumentError('refused', 'no such key')
      return jwk as Record<string, unknown>
    },
  }
}

async function sign(payload: JWTPayload, { alg = 'ES256' as Algorithm, header = {} } = {}): Promise<string> {
  return await new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(pairs[alg].privateKey)
}

it.each(Object.keys(pairs) as Algorithm[])('identifies the signer of a token with %s', async (alg) => {
  const jwt = await sign(claims, { alg })
  const token = await verifyClientToken(jwt, provider, await keysOf(alg), now)
  expect(token).toEqual({ did, accessToken: 'the-access-token' })
})

it.each([
  ['a time that has come', { iat: seconds - 10, nbf: seconds - 10, exp: seconds + 60 }],
  ['clocks that differ by 20 s', { iat: seconds + 20, nbf: seconds + 20, exp: seconds - 20 }],
  ['several audiences', { aud: ['did:web:a', provider] }],
])('accepts %s', async (_, changed) => {
  const jwt = await sign({ ...claims, ...changed })
  expect(await verifyClientToken(jwt, provider, await keysOf('ES256'), now)).toMatchObject({ did })
})

it.each<[string, Record<string, unknown>]>([
  ['another audience', { aud: 'did:web:somebody.else' }],
  ['no audience', { aud: undefined }],
  ['another subject', { sub: 'did:web:somebody.else' }],
  ['no subject', { sub: undefined }],
  ['another issuer', { iss: 'did:web:somebody.else' }],
  ['no issuer', { iss: undefined }],
  ['no access token', { token: undefined }],
  ['a number as access token', { token: 7 }],
  ['an expired token', { exp: seconds - 60 }],
  ['a token that is not valid yet', { nbf: seconds + 60 }],
  ['a token issued in the future', { iat: seconds + 60 }],
])('refuses %s', async (_, changed) => {
  const jwt = await sign({ ...claims, ...changed })
  await expect(verifyClientToken(jwt, provider, await keysOf('ES256'), now)).rejects.toMatchObject({
    kind: 'refused',
  })
})

it('refuses invalid and unauthenticated signatures', async () => {
  const keys = await keysOf('ES256')
  const shared = new TextEncoder().encode(JSON.stringify(await exportJWK(pairs.ES256.publicKey)))
  const tokens = [
    `${(await sign(claims)).slice(0, -6)}AAAAAA`,
    new UnsecuredJWT(claims).encode(),
    // HS256 with the public key as the shared secret: anyone can sign so.
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(shared),
    await sign(claims, { header: { kid: `${did}#key-2` } }),
    await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(pairs.ES256.privateKey),
    await sign(claims, { alg: 'RS256' }),
    'a.b.c',
    '',
  ]
  for (const jwt of tokens) {
    await expect(verifyClientToken(jwt, provider, keys, now)).rejects.toBeInstanceOf(ClientTokenError)
  }
  const secret: DidKeys = { find: async () => ({ kty: 'oct', k: 'c2VjcmV0' }) }
  await expect(verifyClientToken(await sign(claims), provider, secret, now)).rejects.toMatchObject({
    kind: 'refused',
  })
})

it('rejects as unavailable if the keys cannot be read', async () => {
  const keys: DidKeys = {
    find: async () => {
      throw new DocumentError('unavailable', 'it answered 500')
    },
  }
  await expect(verifyClientToken(await sign(claims), provider, keys, now)).rejects.toMatchObject({
    kind: 'unavailable',
  })
})
