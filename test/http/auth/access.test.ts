import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { foreignOrigin, tokenName } from '../../../src/http/auth/access.ts'

describe('the Authorization header', () => {
  const tokens = ['alice', 'bob'].map((name) => ({
    name,
    sha256: createHash('sha256').update(`${name}-token`).digest('hex'),
  }))

  test.each([
    ['Bearer alice-token', 'alice'],
    ['bearer bob-token', 'bob'],
    ['Bearer   bob-token', 'bob'],
  ])('%s is accepted', (authorization, name) => {
    expect(tokenName(authorization, tokens)).toBe(name)
  })

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer eve',
    'Basic alice-token',
    'alice-token',
    'Bearer alice-token x',
  ])('%s is refused', (authorization) => {
    expect(tokenName(authorization, tokens)).toBeUndefined()
  })
})

describe('the origin of a call', () => {
  const host = 'localhost:8888'
  const publicUrl = 'https://jobs.example/api'

  test.each([
    [{}],
    [{ 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'none' }],
    [{ origin: 'http://localhost:8888' }],
    [{ origin: 'https://localhost:8888' }],
    [{ origin: 'https://jobs.example' }],
    [{ purpose: '' }],
    [{ referer: 'http://localhost:8888/docs' }],
    [{ referer: 'https://jobs.example/other' }],
    [{ referer: 'https://wiki.example/', 'sec-fetch-site': 'none' }],
  ])('a call with %j is accepted', (headers) => {
    expect(foreignOrigin({ host, ...headers }, publicUrl)).toBeUndefined()
  })

  test("a scheme's default port equals no port", () => {
    expect(foreignOrigin({ host: 'a.example:443', origin: 'https://a.example' })).toBeUndefined()
    expect(foreignOrigin({ host: 'a.example:443', origin: 'http://a.example' })).toBeDefined()
  })

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: '' }],
    [{ origin: 'http://localhost:8889' }],
    [{ origin: 'http://jobs.example' }],
    [{ origin: 'file://localhost:8888' }],
    [{ referer: 'https://evil.example/' }],
    [{ referer: 'http://localhost:8889/' }],
    [{ 'sec-purpose': 'prefetch;prerender' }],
    [{ purpose: 'prefetch' }],
    [{ 'x-purpose': 'preview' }],
    [{ 'x-moz': 'prefetch' }],
  ])('a call with %j is foreign', (headers) => {
    expect(foreignOrigin({ host, ...headers }, publicUrl)).toBeDefined()
  })
})
