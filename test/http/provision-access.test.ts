import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from './client.ts'
import { type RunningApi, startApi } from './running.ts'

const sha256 = (token: string) => createHash('sha256').update(token).digest('hex')
/** Of something that was never provisioned: 200 for all who may ask. */
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
}, 30_000)
afterAll(() => api?.close())

async function provision(headers: Record<string, string>, query = ''): Promise<number> {
  const all = { 'content-type': 'application/json', ...headers }
  return (await call(api.url, { method: 'POST', path: `/provision${query}`, headers: all, body })).status
}

test.each<[string, Record<string, string>, string]>([
  ['an own token', { authorization: 'Bearer own' }, ''],
  ['an own token as x-api-key', { 'x-api-key': 'own' }, ''],
  ['a token for provisioning', { authorization: 'Bearer connectors' }, ''],
  ['a token for provisioning as x-api-key', { 'x-api-key': 'connectors' }, '/'],
  [
    'a token for provisioning in the address, since a connector can send no header',
    {},
    '?access_token=connectors',
  ],
])('%s may provision', async (_, headers, query) => {
  expect(await provision(headers, query)).toBe(200)
})

test.each<[string, Record<string, string>, string]>([
  ['without a token', {}, ''],
  ['with a wrong one', { 'x-api-key': 'wrong' }, ''],
  ['with a wrong one beside a right one', { authorization: 'Bearer wrong' }, '?access_token=connectors'],
  ['with a grant’s', { authorization: `Bearer jfg_x.${'a'.repeat(43)}` }, ''],
  ['with an own token in the address, where it would stand in logs', {}, '?access_token=own'],
])('nobody provisions %s', async (_, headers, query) => {
  expect([401, 403]).toContain(await provision(headers, query))
})

test.each(['/job', '/job/deploy', '/events', '/metrics', '/provision/x'])(
  'a token for provisioning does not open %s',
  async (path) => {
    for (const headers of [{ authorization: 'Bearer connectors' }, { 'x-api-key': 'connectors' }]) {
      expect((await call(api.url, { path, headers })).status).toBe(401)
    }
    expect((await call(api.url, { path: `${path}?access_token=connectors` })).status).toBe(401)
  },
)

test('x-api-key opens nothing else', async () => {
  expect((await call(api.url, { path: '/job', headers: { 'x-api-key': 'own' } })).status).toBe(401)
})
