import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGrants } from '../../../src/dataspaces/grants/create-grants.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { type Embedded, startEmbedded } from '../../support/api/embedded.ts'
import { call } from '../client.ts'

const command = 'printf a >"$RESULT_DIRECTORY/a.txt"; printf b >"$RESULT_DIRECTORY/b.txt"'
const own = 'correct-horse'
const authorization = `Bearer ${own}`
let api: Embedded
let uuid: string
let other: string
/** Grants in the same store, created outside the API as another replica creates them. */
let grants: ReturnType<typeof createGrants>

beforeAll(async () => {
  const sha256 = createHash('sha256').update(own).digest('hex')
  const jobs = { default: `command: ["sh", "-c", ${JSON.stringify(command)}]` }
  api = await startEmbedded(jobs, { API_TOKENS: `alice:${sha256}` })
  const deployed = await Promise.all([deploy(), deploy()])
  ;[uuid, other] = deployed
  for (const each of deployed)
    await call(api.url, { path: `/job/${each}?wait=50`, headers: { authorization } })
  grants = createGrants(createFolderStore(join(api.directory, 'store')), { seconds: 60 })
})
afterAll(() => api?.remove())

async function deploy(): Promise<string> {
  const answer = await call(api.url, { path: '/job/deploy', headers: { authorization } })
  return (answer.json() as { job_uuid: string }).job_uuid
}

async function read(token: string, path: string, method = 'GET') {
  return await call(api.url, { method, path, headers: { authorization: `Bearer ${token}` } })
}

test("a grant's token reads the results of its job and nothing else", async () => {
  const { token } = await grants.create({ job: uuid })
  expect((await read(token, `/job/${uuid}/result?file=a.txt`)).body.toString()).toBe('a')
  for (const path of [
    '/result',
    '/result/list',
    '/result?file=b.txt&file=a.txt&format=tar.gz',
    '/result?file=b.txt',
  ]) {
    expect((await read(token, `/job/${uuid}${path}`)).status, path).toBe(200)
    expect((await read(token, `/job/${uuid}${path}`, 'HEAD')).status, path).toBe(200)
    expect((await read(token, `/job/${other}${path}`)).status, path).toBe(403)
  }
  for (const path of [
    '',
    '/log',
    '/events',
    '/callbacks',
    '/result/',
    '/result/../log',
    '/%72esult',
    '/result/list/x',
  ]) {
    expect((await read(token, `/job/${uuid}${path}`)).status, path).toBe(403)
  }
  for (const path of [
    '/job',
    '/health',
    '/metrics',
    '/job/deploy',
    '/demo',
    '/events',
    '/resource/env',
    `/JOB/${uuid}/result`,
  ]) {
    expect((await read(token, path)).status, path).toBe(403)
  }
  for (const method of ['DELETE', 'POST', 'PUT']) {
    expect((await read(token, `/job/${uuid}/result`, method)).status, method).toBe(403)
  }
  expect((await read(token, `/job/${uuid}/cancel`, 'POST')).status).toBe(403)
})

test("a grant's token for one file reads only that file", async () => {
  const { token } = await grants.create({ job: uuid, files: ['a.txt'] })
  expect((await read(token, `/job/${uuid}/result?file=a.txt`)).status).toBe(200)
  expect((await read(token, `/job/${uuid}/result?file=%61.txt`)).status).toBe(200)
  for (const query of [
    '',
    '?file=b.txt',
    '?file=a.txt&file=b.txt',
    '/list',
    '/list?prefix=a',
    '?file=a.txt%00',
  ]) {
    const { status } = await read(token, `/job/${uuid}/result${query}`)
    expect([400, 403], query).toContain(status)
  }
})

test("the token of an expired or revoked grant is 401, a suspended grant's is 403", async () => {
  const expired = await grants.create({ job: uuid, seconds: 0 })
  const answer = await read(expired.token, `/job/${uuid}/result`)
  expect(answer.status).toBe(401)
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="jobferry", error="invalid_token"')
  expect(answer.json()).toMatchObject({ detail: expect.stringContaining('expired at') as string })
  const { id, token } = await grants.create({ job: uuid })
  await grants.suspend(id)
  expect((await read(token, `/job/${uuid}/result`)).status).toBe(403)
  await grants.resume(id)
  expect((await read(token, `/job/${uuid}/result`)).status).toBe(200)
  await grants.revoke(id)
  expect((await read(token, `/job/${uuid}/result`)).status).toBe(401)
})

test('an API token reads every result beside the grants, an unknown token none', async () => {
  expect((await read(own, `/job/${uuid}/result?file=b.txt`)).body.toString()).toBe('b')
  expect((await read('other', `/job/${uuid}/result?file=b.txt`)).status).toBe(401)
})
