import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { foreignOrigin, isLoopbackHost, tokenName } from '../../src/http/access.ts'

describe('tokens', () => {
  const tokens = ['alice', 'bob'].map((name) => ({
    name,
    sha256: createHash('sha256').update(`${name}-token`).digest('hex'),
  }))

  test.each([
    ['Bearer alice-token', 'alice'],
    ['bearer bob-token', 'bob'],
    ['Bearer   bob-token', 'bob'],
  ])('%s is known', (authorization, name) => {
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
  ])('%s is not', (authorization) => {
    expect(tokenName(authorization, tokens)).toBeUndefined()
  })
})

describe('the Host header on loopback', () => {
  test.each(['localhost', 'LOCALHOST:8888', '127.0.0.1', '127.0.0.1:80', '127.1.2.3', '[::1]', '[::1]:8888'])(
    '%s is served',
    (host) => {
      expect(isLoopbackHost(host)).toBe(true)
    },
  )

  test.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    'localhost:x',
  ])('%s is not', (host) => {
    expect(isLoopbackHost(host)).toBe(false)
  })

  test("PUBLIC_URL's host is served", () => {
    expect(isLoopbackHost('jobs.example', 'https://jobs.example/api')).toBe(true)
  })
})

describe('where a call comes from', () => {
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
  ])('%j may change something', (headers) => {
    expect(foreignOrigin({ host, ...headers }, publicUrl)).toBeUndefined()
  })

  test("a scheme's own port counts as none", () => {
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
    [{ 'sec-purpose': 'prefetch;prerender' }],
    [{ purpose: 'prefetch' }],
    [{ 'x-purpose': 'preview' }],
    [{ 'x-moz': 'prefetch' }],
  ])('%j may not', (headers) => {
    expect(foreignOrigin({ host, ...headers }, publicUrl)).toBeDefined()
  })
})
