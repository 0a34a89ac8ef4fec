import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const token = 'correct-horse'
const sha256 = createHash('sha256').update(token).digest('hex')
let api: RunningApi

beforeAll(async () => {
  const other = createHash('sha256').update('another').digest('hex')
  const settings = { API_TOKENS: `ci:${other}\nalice:${sha256}`, PUBLIC_URL: 'https://jobs.example/api/' }
  api = await startApi({ default: 'command: ["true"]' }, settings)
})
afterAll(() => api?.close())

describe('with API_TOKENS', () => {
  test.each(['/job', '/job/deploy', '/health', '/metrics', '/demo', '/resource/env', '/nothing'])(
    '%s without a valid token is 401',
    async (path) => {
      const without = await call(api.url, { path })
      expect(without.status).toBe(401)
      expect(without.headers['www-authenticate']).toBe('Bearer realm="jobferry"')
      const wrong = await call(api.url, { path, headers: { authorization: `Bearer ${sha256}` } })
      expect(wrong.status).toBe(401)
      expect(wrong.headers['www-authenticate']).toBe('Bearer realm="jobferry", error="invalid_token"')
      expect(wrong.json()).toMatchObject({ type: 'urn:jobferry:error:unauthorized', status: 401 })
    },
  )

  test.each(['/health/live', '/health/ready'])('%s needs no token', async (path) => {
    expect((await call(api.url, { path })).status).toBe(200)
  })

  test('a request without a token is refused before its body is read', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': '1099511627776' }
    const answer = await call(api.url, { method: 'POST', path: '/job/deploy', headers, body: '{' })
    expect(answer.status).toBe(401)
  })

  test('a valid token is accepted, and links begin with PUBLIC_URL', async () => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await call(api.url, { path: '/job/deploy', headers })
    expect(answer.status).toBe(200)
    const { job_uuid } = answer.json() as { job_uuid: string }
    expect(answer.json()).toMatchObject({ links: { self: `https://jobs.example/api/job/${job_uuid}` } })
  })

  test('a call with the origin of PUBLIC_URL is accepted', async () => {
    const headers = { authorization: `Bearer ${token}`, origin: 'https://jobs.example', host: 'jobs.example' }
    expect((await call(api.url, { path: '/job/deploy', headers })).status).toBe(200)
  })
})

test('malformed HTTP gets a problem, and the connection is closed', async () => {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  socket.write('HELLO\r\n\r\n')
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1.1 400 /)
  expect(answer).toContain('urn:jobferry:error:invalid-request')
})

test('a URL with raw non-ASCII characters gets a problem that asks for percent-encoding', async () => {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  socket.write('GET /job?after=ü HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1.1 400 /)
  const { errors } = JSON.parse(answer.slice(answer.indexOf('{')))
  expect(errors).toEqual([
    { field: 'url', problem: expect.any(String), expected: expect.stringContaining('percent-encoded') },
  ])
})

test('headers beyond 16 KiB get 431', async () => {
  const answer = await call(api.url, { path: '/health/live', headers: { cookie: 'x'.repeat(20_000) } })
  expect(answer.status).toBe(431)
})

test('every answer forbids sniffing and scripts, and has no X-Powered-By', async () => {
  for (const path of ['/health/live', '/job', '/nothing']) {
    const { headers } = await call(api.url, { path })
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^default-src 'none'; (?!.*script).*sandbox$/),
    })
    expect(headers).not.toHaveProperty('x-powered-by')
  }
})
