import { expect, it } from 'vitest'
import { didWebUrl, findKey } from '../../../../src/dataspaces/signaling/tokens/did-web.ts'

it.each([
  ['did:web:example.com', 'https://example.com/.well-known/did.json'],
  ['did:web:example.com%3A8443', 'https://example.com:8443/.well-known/did.json'],
  ['did:web:example.com:users:alice', 'https://example.com/users/alice/did.json'],
  ['did:web:127.0.0.1%3A80:a', 'https://127.0.0.1:80/a/did.json'],
])('reads the document of %s at %s', (did, url) => {
  expect(didWebUrl(did)).toBe(url)
})

it.each([
  'did:key:z6Mk',
  'web:example.com',
  'did:web:',
  'did:web:exa mple.com',
  'did:web:user%40example.com',
  'did:web:example.com%2Fetc',
  'did:web:example.com%3A99999',
  'did:web:example.com:..:secret',
  'did:web:example.com:a%2Fb',
  'did:web:example.com::b',
  'did:web:example.com:%zz',
  'did:web:example.com?x=1',
])('finds no document for %s', (did) => {
  expect(didWebUrl(did)).toBeUndefined()
})

const did = 'did:web:example.com'
const method = { id: `${did}#key-1`, controller: did, publicKeyJwk: { kty: 'EC' } }

it.each([
  ['a whole id', method.id, method],
  ['a fragment', '#key-1', method],
  ['a bare name', 'key-1', method],
  ['a relative id in the document', method.id, { ...method, id: '#key-1' }],
  ['a key without a controller', method.id, { id: method.id, publicKeyJwk: {} }],
])('finds a key by %s', (_, kid, given) => {
  expect(findKey({ id: did, verificationMethod: [{ id: '#other' }, given] }, did, kid)).toBe(given)
})

it.each([
  ['another key', `${did}#key-2`, { id: did, verificationMethod: [method] }],
  ['the key of another DID', 'did:web:evil.example#key-1', { id: did, verificationMethod: [method] }],
  [
    "another DID's key in the document",
    'did:web:evil.example#key-1',
    { id: did, verificationMethod: [{ ...method, id: 'did:web:evil.example#key-1' }] },
  ],
  [
    'a key with another controller',
    method.id,
    { id: did, verificationMethod: [{ ...method, controller: 'did:web:evil.example' }] },
  ],
  ['the document of another DID', method.id, { id: 'did:web:evil.example', verificationMethod: [method] }],
  ['a document without keys', method.id, { id: did }],
  ['a text instead of a document', method.id, 'text'],
  ['null', method.id, null],
])('finds no key in %s', (_, kid, document) => {
  expect(findKey(document, did, kid)).toBeUndefined()
})
