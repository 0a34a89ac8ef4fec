import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesOfResult, type Caller, callAs, callersTokens } from '../../http/callers.ts'
import { type Answer, type Call, call } from '../../http/client.ts'
import { type RunningApi, startApi } from '../../http/running.ts'
import { zipOf } from '../../sidecar/inputs/unpack/zip-of.ts'

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
const large = randomBytes(20 * 2 ** 20)
let api: RunningApi

beforeAll(async () => {
  api = await startApi({}, { LOCAL_ALLOW_COMMANDS: '1', API_TOKENS: callersTokens, UPLOADS_MAX: '8' })
})
afterAll(() => api?.close())

describe('an upload', () => {
  it('is the input of several jobs, byte for byte, and stands in their answers', async () => {
    expect(await put('alice', 'large é.bin', large)).toMatchObject({
      sha256: sha256(large),
      size: large.length,
    })
    await put('alice', 'all.zip', zipOf([{ name: 'deep/a', content: 'zipped' }]))
    const inputs = [
      { from: 'upload:large é.bin', sha256: sha256(large) },
      { from: 'upload:large é.bin', to: 'again/x' },
      { from: 'upload:all.zip', unpack: 'zip' },
      { from: 'upload:none', optional: true, to: 'none' },
    ]
    for (const _ of [1, 2]) {
      const uuid = await run('cp -r "$INPUT_DIRECTORY"/. "$RESULT_DIRECTORY"/', inputs)
      for (const path of ['large é.bin', 'again/x'])
        expect((await bytesOf(uuid, path)).equals(large)).toBe(true)
      expect(String(await bytesOf(uuid, 'all/deep/a'))).toBe('zipped')
      const facts = { source: 'upload:large é.bin', size: large.length, sha256: sha256(large) }
      expect((await ask('alice', { path: `/job/${uuid}` })).json()).toMatchObject({
        inputs: [
          { ...facts, to: 'again/x' },
          { source: 'upload:all.zip', to: 'all' },
          { ...facts, to: 'large é.bin' },
        ],
      })
    }
  })

  it('that is replaced or removed stays for a job that was deployed before', async () => {
    await put('alice', 'version', 'one')
    const copy = 'cp "$INPUT_DIRECTORY/version" "$RESULT_DIRECTORY/"'
    const key = { 'idempotency-key': 'version' }
    const inputs = [{ from: 'upload:version' }]
    const first = await deploy('alice', copy, inputs, key)
    await put('alice', 'version', 'two')
    // The same request again: it is the same job, with the version of its first creation.
    const again = await deploy('alice', copy, inputs, key)
    await ask('alice', { method: 'DELETE', path: '/upload/version' })
    const third = await deploy('alice', copy, inputs, key)
    const uuids = [first, again, third].map((answer) => (answer.json() as { job_uuid: string }).job_uuid)
    expect(new Set(uuids).size).toBe(1)
    expect(String(await bytesOf(uuids[0] ?? '', 'version'))).toBe('one')
    expect((await deploy('alice', copy, inputs)).status).toBe(400)
  })

  it('of another caller is answered as one that is not there', async () => {
    await put('alice', 'private', 'x')
    expect((await ask('bob', { path: '/upload/private' })).status).toBe(404)
    expect((await ask('bob', { method: 'DELETE', path: '/upload/private' })).status).toBe(404)
    expect((await ask('bob', { path: '/upload' })).json()).toEqual({ uploads: [], next: null })
    const answer = await deploy('bob', 'true', [{ from: 'upload:private' }])
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({
      errors: [{ field: 'inputs[0].from', problem: '"private" is no upload of this caller' }],
    })
  })

  it('with another digest than the request says is 400', async () => {
    await put('alice', 'digest', 'x')
    const answer = await deploy('alice', 'true', [{ from: 'upload:digest', sha256: sha256('y') }])
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ errors: [{ field: 'inputs[0].sha256' }] })
  })
})

describe('the routes of uploads', () => {
  it('answer ranges, conditions and HEAD, and text is shown safely', async () => {
    const text = '<script>alert(1)</script>\n'
    const first = await ask('bob', { method: 'PUT', path: '/upload/page.html', body: text })
    expect(first.status).toBe(201)
    expect(first.headers).toMatchObject({ etag: `"${sha256(text)}"`, location: '/upload/page.html' })
    expect((await ask('bob', { method: 'PUT', path: '/upload/page.html', body: text })).status).toBe(200)
    const got = await ask('bob', { path: '/upload/page.html' })
    expect(String(got.body)).toBe(text)
    expect(got.headers).toMatchObject({
      'content-length': String(text.length),
      'content-disposition': 'attachment; filename=page.html',
      'content-security-policy': expect.stringContaining('sandbox'),
      'x-content-type-options': 'nosniff',
      etag: `"${sha256(text)}"`,
    })
    expect(got.headers).not.toHaveProperty('jobferry-result-state')
    const range = await ask('bob', { path: '/upload/page.html', headers: { range: 'bytes=1-6' } })
    expect([range.status, String(range.body)]).toEqual([206, 'script'])
    const beyond = await ask('bob', { path: '/upload/page.html', headers: { range: 'bytes=99-' } })
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${text.length}`])
    const same = await ask('bob', {
      path: '/upload/page.html',
      headers: { 'if-none-match': `"${sha256(text)}"` },
    })
    expect(same.status).toBe(304)
    const head = await ask('bob', { method: 'HEAD', path: '/upload/page.html' })
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([
      200,
      String(text.length),
      0,
    ])
  })

  it('change only what a condition says', async () => {
    const change = (method: string, headers: Record<string, string>, body?: string) =>
      ask('bob', { method, path: '/upload/guarded', headers, body })
    expect((await change('PUT', { 'if-none-match': '*' }, 'one')).status).toBe(201)
    expect((await change('PUT', { 'if-none-match': '*' }, 'two')).status).toBe(412)
    expect((await change('PUT', { 'if-match': `"${sha256('two')}"` }, 'two')).status).toBe(412)
    expect((await change('PUT', { 'if-match': `"${sha256('one')}"` }, 'two')).status).toBe(200)
    expect((await change('DELETE', { 'if-match': `"${sha256('one')}"` })).status).toBe(412)
    expect(String((await ask('bob', { path: '/upload/guarded' })).body)).toBe('two')
    expect((await change('DELETE', {})).status).toBe(204)
    expect((await ask('bob', { path: '/upload/guarded' })).status).toBe(404)
  })

  it('list pages, and refuse one upload more than UPLOADS_MAX', async () => {
    const had = (await ask('bob', { path: '/upload' })).json() as { uploads: unknown[] }
    for (let n = had.uploads.length; n < 8; n += 1) await put('bob', `n${n}`, '')
    const page = (await ask('bob', { path: '/upload?limit=5' })).json() as {
      uploads: { name: string }[]
      next: string
    }
    expect(page.uploads).toHaveLength(5)
    const rest = (await ask('bob', { path: page.next })).json() as { uploads: { name: string }[]; next: null }
    expect([rest.uploads.length, rest.next]).toEqual([3, null])
    const answer = await ask('bob', { method: 'PUT', path: '/upload/more', body: 'x' })
    expect(answer.status).toBe(409)
    expect(answer.json()).toMatchObject({ type: 'urn:jobferry:error:too-many-uploads' })
  })

  it('ask for a token', async () => {
    for (const path of ['/upload', '/upload/a']) expect((await call(api.url, { path })).status).toBe(401)
    expect((await call(api.url, { method: 'PUT', path: '/upload/a', body: 'x' })).status).toBe(401)
  })
})

async function put(name: Caller, upload: string, body: string | Buffer): Promise<unknown> {
  const answer = await ask(name, { method: 'PUT', path: `/upload/${encodeURIComponent(upload)}`, body })
  expect([200, 201]).toContain(answer.status)
  return answer.json()
}

/** The uuid of a job of alice's that has succeeded. */
async function run(script: string, inputs: object[]): Promise<string> {
  const answer = await deploy('alice', script, inputs)
  expect(answer.status).toBe(201)
  const job = answer.json() as { job_uuid: string }
  expect(job).toMatchObject({ state: 'succeeded' })
  return job.job_uuid
}

function deploy(
  name: Caller,
  script: string,
  inputs: object[],
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(name, {
    method: 'POST',
    path: '/job/deploy?wait=55',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ command: ['sh', '-ec', script], inputs }),
  })
}

const ask = (name: Caller, request: Call) => callAs(name, api.url, request)
const bytesOf = (uuid: string, path: string) => bytesOfResult(api.url, uuid, path)
