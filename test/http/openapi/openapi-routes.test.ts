import { afterAll, beforeAll, expect, it } from 'vitest'
import { openApiDocument } from '../../../src/http/openapi/document.ts'
import { viewerFiles } from '../../../src/http/openapi/page.ts'
import { version } from '../../../src/util/version.ts'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

let api: RunningApi
beforeAll(async () => {
  const digest = 'a'.repeat(64)
  api = await startApi({}, { API_TOKENS: `portal:${digest}`, PUBLIC_URL: 'https://example.org/jobs' })
})
afterAll(() => api.close())

const get = (path: string, headers: Record<string, string> = {}) => call(api.url, { path, headers })

it('gives the OpenAPI document without a token, with its public address', async () => {
  expect((await get('/job')).status).toBe(401)
  const { status, headers, json } = await get('/openapi.json')
  expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
  expect(json()).toEqual(JSON.parse(JSON.stringify(openApiDocument(version, 'https://example.org/jobs'))))
  const again = await get('/openapi.json', { 'if-none-match': String(headers.etag) })
  expect([again.status, again.body.length]).toEqual([304, 0])
})

it.each(['/docs', '/docs/'])('gives a page at %s that loads its own files alone', async (path) => {
  const { status, headers, body } = await get(path)
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'; script-src 'self'; ")
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval/)
  const addresses = Array.from(
    body.toString().matchAll(/(?:src|href|data-document)="([^"]+)"/g),
    ([, to = '']) => {
      return new URL(to, `${api.url}${path}`)
    },
  )
  expect(addresses).toHaveLength(viewerFiles.length + 2)
  for (const { origin, pathname } of addresses) {
    expect(origin).toBe(api.url)
    expect((await get(pathname)).status, pathname).toBe(200)
  }
})

it('gives no other file of the folder of the viewer', async () => {
  for (const file of ['package.json', 'swagger-initializer.js', '..%2Fexpress%2Fpackage.json', '.']) {
    expect((await get(`/docs/${file}`)).status, file).toBe(404)
  }
})

it('gives them only under a name of the API where names are checked', async () => {
  const open = await startApi({})
  try {
    for (const path of ['/openapi.json', '/docs', '/docs/page.js']) {
      const { status } = await call(open.url, { path, headers: { host: 'rebound.example' } })
      expect(status, path).toBe(403)
    }
  } finally {
    await open.close()
  }
})
