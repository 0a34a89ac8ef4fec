import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const sha256 = (token: string) => createHash('sha256').update(token).digest('hex')
/** Deprovisions an unknown transfer: every authorized call gets 200. */
const body = JSON.stringify({
  type: 'deprovision',
  transferProcessId: 't',
  resourceDefinitionId: 'r',
  assetId: 'a',
})
let api: RunningApi

beforeAll(async () => {
  const settings = { API_TOKENS: `alice:${sha256('own')}`, PROVISION_TOKENS: `edc:${sha256('connectors')}` }
  api = await startApi({ default: 'command: ["true"]' }, settings)
})
afterAll(() => api?.close())

async function provision(headers: Record<string, string>, query = ''): Promise<number> {
  const all = { 'content-type': 'application/json', ...headers }
  return (await call(api.url, { method: 'POST', path: `/provision${query}`, headers: all, body })).status
}

test.each<[string, Record<string, string>, string]>([
  ['an API token', { authorization: 'Bearer own' }, ''],
  ['an API token as x-api-key', { 'x-api-key': 'own' }, ''],
  ['a provision token', { authorization: 'Bearer connectors' }, ''],
  ['a provision token as x-api-key', { 'x-api-key': 'connectors' }, '/'],
  [
    'a provision token in the URL, since a connector may be unable to send headers',
    {},
    '?access_token=connectors',
  ],
])('%s may provision', async (_, headers, query) => {
  expect(await provision(headers, query)).toBe(200)
})

test.each<[string, Record<string, string>, string]>([
  ['without a token', {}, ''],
  ['with a wrong token', { 'x-api-key': 'wrong' }, ''],
  ['with a wrong token beside a valid one', { authorization: 'Bearer wrong' }, '?access_token=connectors'],
  ['with a grant’s token', { authorization: `Bearer jfg_x.${'a'.repeat(43)}` }, ''],
  ['with an API token in the URL, which logs would show', {}, '?access_token=own'],
])('a call %s may not provision', async (_, headers, query) => {
  expect([401, 403]).toContain(await provision(headers, query))
})

test.each(['/job', '/job/deploy', '/events', '/metrics', '/provision/x'])(
  'a provision token is refused at %s',
  async (path) => {
    for (const headers of [{ authorization: 'Bearer connectors' }, { 'x-api-key': 'connectors' }]) {
      expect((await call(api.url, { path, headers })).status).toBe(401)
    }
    expect((await call(api.url, { path: `${path}?access_token=connectors` })).status).toBe(401)
  },
)

test('x-api-key is accepted only for provisioning', async () => {
  expect((await call(api.url, { path: '/job', headers: { 'x-api-key': 'own' } })).status).toBe(401)
})
