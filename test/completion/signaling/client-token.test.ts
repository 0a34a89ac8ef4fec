import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { expect, it } from 'vitest'
import { ClientTokenError, verifyClientToken } from '../../../src/completion/signaling/client-token.ts'
import type { DidKeys } from '../../../src/completion/signaling/did-keys.ts'
import { DocumentError } from '../../../src/completion/signaling/json-documents.ts'

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

it.each(Object.keys(pairs) as Algorithm[])('knows who signed with %s', async (alg) => {
  const jwt = await sign(claims, { alg })
  const token = await verifyClientToken(jwt, provider, await keysOf(alg), now)
  expect(token).toEqual({ did, accessToken: 'the-access-token' })
})

it.each([
  ['a time that has come', { iat: seconds - 10, nbf: seconds - 10, exp: seconds + 60 }],
  ['clocks that differ by some seconds', { iat: seconds + 20, nbf: seconds + 20, exp: seconds - 20 }],
  ['several audiences', { aud: ['did:web:a', provider] }],
])('takes %s', async (_, changed) => {
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
  ['an access token that is no text', { token: 7 }],
  ['a time that is over', { exp: seconds - 60 }],
  ['a time that has not come', { nbf: seconds + 60 }],
  ['a time in the future', { iat: seconds + 60 }],
])('refuses %s', async (_, changed) => {
  const jwt = await sign({ ...claims, ...changed })
  await expect(verifyClientToken(jwt, provider, await keysOf('ES256'), now)).rejects.toMatchObject({
    kind: 'refused',
  })
})

it('refuses signatures that prove nothing', async () => {
  const keys = await keysOf('ES256')
  const shared = new TextEncoder().encode(JSON.stringify(await exportJWK(pairs.ES256.publicKey)))
  const tokens = [
    `${(await sign(claims)).slice(0, -6)}AAAAAA`,
    new UnsecuredJWT(claims).encode(),
    // A public key taken for a shared one: everybody knows that.
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

it('says so where keys can not be had now', async () => {
  const keys: DidKeys = {
    find: async () => {
      throw new DocumentError('unavailable', 'it answered 500')
    },
  }
  await expect(verifyClientToken(await sign(claims), provider, keys, now)).rejects.toMatchObject({
    kind: 'unavailable',
  })
})
