import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/config.ts'
import { httpOptions } from '../../../src/wiring/http-options.ts'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

describe('a page of another site', () => {
  let api: RunningApi
  beforeAll(async () => {
    api = await startApi({ default: 'command: ["true"]\ndemo_file: x' }, { ALLOWED_HOSTS: 'jobs.example' })
  })
  afterAll(() => api?.close())

  const json = { 'content-type': 'application/json' }

  test.each([
    ['GET', '/job/deploy', { host: 'evil.example', origin: 'http://evil.example' }],
    ['POST', '/job/deploy', { ...json, host: 'evil.example:8888', origin: 'http://evil.example:8888' }],
    ['GET', '/job/deploy', { host: 'localhost', referer: 'http://evil.example/page' }],
    ['GET', '/demo', { host: 'localhost', referer: 'http://evil.example/page' }],
    ['POST', '/job/deploy', { ...json, host: 'localhost', referer: 'http://evil.example/page' }],
    ['GET', '/job/deploy', { host: 'localhost', origin: 'http://evil.example' }],
  ])('deploys nothing with %s %s and %j', async (method, path, headers) => {
    const body = method === 'POST' ? '{"job": "default"}' : undefined
    const answer = await call(api.url, { method, path, headers, body })
    expect(answer.status).toBe(403)
    const { jobs } = (await call(api.url, { path: '/job' })).json() as { jobs: unknown[] }
    expect(jobs).toEqual([])
  })

  test('is told the name and the setting', async () => {
    const answer = await call(api.url, { path: '/job', headers: { host: 'evil.example' } })
    expect(answer.json()).toMatchObject({
      type: 'urn:jobferry:error:forbidden',
      errors: [
        {
          field: 'Host',
          problem: expect.stringContaining('"evil.example"'),
          expected: expect.stringContaining('ALLOWED_HOSTS'),
        },
      ],
    })
  })

  test.each(['jobs.example', '127.0.0.1:8888', '[::1]', '192.168.0.7', 'localhost:1234'])(
    'is not what %s is the name of',
    async (host) => {
      expect((await call(api.url, { path: '/job', headers: { host } })).status).toBe(200)
    },
  )
})

describe('the names that are checked', () => {
  const cluster = {
    KUBERNETES_SERVICE_HOST: '10.0.0.1',
    UPLOADER_IMAGE: 'jobferry',
    HOST: '0.0.0.0',
    NAMESPACE: 'research',
    S3_ENDPOINT: 'http://minio:9000',
    S3_ACCESS_KEY: 'a',
    S3_SECRET_KEY: 'b',
  }
  const names = (settings: Record<string, string>) =>
    httpOptions(loadConfig({ ...cluster, ...settings })).allowedHosts

  test('are those of Services, PUBLIC_URL and ALLOWED_HOSTS where callers need no token', () => {
    const found = names({
      ALLOW_UNAUTHENTICATED: '1',
      PUBLIC_URL: 'https://Jobs.example:8443/api',
      ALLOWED_HOSTS: 'A.example, *.b.example',
    })
    expect(found).toEqual(
      expect.arrayContaining([
        'jobs.example',
        'a.example',
        '*.b.example',
        'jobferry',
        'jobferry.research',
        '*.research.svc',
        '*.research.svc.cluster.local',
      ]),
    )
  })

  test('are all names where callers need a token, unless ALLOWED_HOSTS is set', () => {
    const tokens = { API_TOKENS: `ci:${'0'.repeat(64)}` }
    expect(names(tokens)).toBeUndefined()
    expect(names({ ...tokens, ALLOWED_HOSTS: 'jobs.example' })).toContain('jobs.example')
  })
})
