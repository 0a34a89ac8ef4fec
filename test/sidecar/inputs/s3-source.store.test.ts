import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { call, deployJson } from '../../http/client.ts'
import { startApi } from '../../http/running.ts'
import { untilFinal } from '../../http/until-final.ts'
import { startFaultProxy } from '../../support/store/fault-proxy.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { s3Store } from '../../support/store/s3-store.ts'
import { fetchInto, secretsFolder } from './fetch-into.ts'

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
const bucket = `inputs-${randomUUID()}`
let minio: RunningMinio
let store: ArtifactStore

beforeAll(async () => {
  minio = await startMinio()
  store = s3Store(minio, bucket)
  await store.prepare()
})
afterAll(async () => {
  await store?.close()
  await minio?.stop()
})

function fetchFromMinio(
  line: { from: string; sha256?: string; optional?: boolean },
  values: Record<string, string> = {},
  settings = {},
  timeoutSeconds = 60,
) {
  const { endpoint, accessKey, secretKey } = minio
  const secretsDirectory = secretsFolder({ data: { endpoint, accessKey, secretKey, ...values } })
  return fetchInto({ ...line, secret: 'data' }, settings, { secretsDirectory, timeoutSeconds })
}

describe('an object of another store', () => {
  it('comes byte for byte, whatever its key is', async () => {
    const bytes = randomBytes(6 * 2 ** 20)
    const key = "dir/ü a+b%20c?d#e'(1).bin"
    await store.put(key, bytes)
    const from = `s3://${bucket}/${key}`
    const { taken, read } = await fetchFromMinio({ from, sha256: sha256(bytes) })
    expect(taken).toMatchObject({ source: from, size: bytes.length, sha256: sha256(bytes) })
    expect(read().equals(bytes)).toBe(true)
  })

  it('goes on by ranges after cuts, and begins anew if it changes meanwhile', async () => {
    const [first, second] = [randomBytes(6 * 2 ** 20), randomBytes(6 * 2 ** 20)]
    await store.put('cut', first)
    const proxy = await startFaultProxy(minio.endpoint)
    onTestFinished(() => proxy.close())
    await proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 2 ** 21, times: 2 })
    const resumed = await fetchFromMinio({ from: `s3://${bucket}/cut` }, { endpoint: proxy.url })
    expect(resumed.taken).toMatchObject({ sha256: sha256(first) })

    await proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 2 ** 21, times: 1 })
    const under = fetchFromMinio({ from: `s3://${bucket}/cut` }, { endpoint: proxy.url })
    // The first pause takes half a second and more.
    await expect.poll(() => proxy.accepted).toBeGreaterThan(3)
    await store.put('cut', second)
    const { taken, read } = await under
    expect([sha256(first), sha256(second)]).toContain((taken as { sha256: string }).sha256)
    expect(sha256(read())).toBe((taken as { sha256: string }).sha256)
  })

  it.each<[string, string, Record<string, string>, RegExp]>([
    ['is not there', `s3://${bucket}/none`, {}, /answered 404, NoSuchKey$/],
    ['has no bucket', `s3://${bucket}-none/none`, {}, /answered 404, NoSuchBucket$/],
    ['refuses the key', `s3://${bucket}/x`, { accessKey: 'other' }, /answered 403, InvalidAccessKeyId$/],
    ['refuses its secret', `s3://${bucket}/x`, { secretKey: 'other' }, /403, SignatureDoesNotMatch$/],
  ])('that %s fails at once with the word of the store', async (_, from, values, message) => {
    const { taken } = await fetchFromMinio({ from }, values)
    expect(taken).toMatchObject({ kind: 'InputUnavailable', message: expect.stringMatching(message) })
    expect(String(taken)).not.toContain(minio.secretKey)
  })

  it('is left out if it is optional and absent, also with a folder', async () => {
    for (const from of [`s3://${bucket}/none`, `s3://${bucket}/none/`]) {
      const { taken, directory } = await fetchFromMinio({ from, optional: true })
      expect(taken).toBe(undefined)
      expect(readdirSync(directory)).toEqual([])
    }
  })

  it('is not asked for at an address that the operator does not allow', async () => {
    const { taken } = await fetchFromMinio({ from: `s3://${bucket}/x` }, {}, { allow: 'public' })
    expect(taken).toMatchObject({ kind: 'InputInvalid', message: expect.stringContaining('OUTGOING_ALLOW') })
    const plain = await fetchFromMinio({ from: `s3://${bucket}/x` }, {}, { allow_http: false })
    expect(plain.taken).toMatchObject({ kind: 'InputInvalid' })
    const metadata = await fetchFromMinio(
      { from: `s3://${bucket}/x` },
      { endpoint: 'http://169.254.169.254' },
    )
    expect(metadata.taken).toMatchObject({ kind: 'InputInvalid' })
  })
})

describe('a folder of another store', () => {
  it('comes with all files of all pages, and the digest that sha256sum makes', async () => {
    const names = Array.from({ length: 1003 }, (_, n) => `many/${n % 7}/n ${n}+ü`)
    await Promise.all(names.map((name) => store.put(name, Buffer.from(name))))
    await store.put('many/marker/', Buffer.alloc(0)).catch(() => undefined)
    const { taken, directory } = await fetchFromMinio({ from: `s3://${bucket}/many/` })
    const lines = names
      .map((name) => ({ name, path: name.slice('many/'.length) }))
      .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
      .map(({ name, path }) => `${sha256(name)}  ${path}\n`)
    expect(taken).toEqual({
      source: `s3://${bucket}/many/`,
      to: 'file',
      files: 1003,
      size: names.reduce((sum, name) => sum + Buffer.byteLength(name), 0),
      sha256: sha256(lines.join('')),
    })
    for (const name of names) {
      expect(readFileSync(join(directory, 'file', name.slice('many/'.length)), 'utf8')).toBe(name)
    }
    expect(readdirSync(directory)).toEqual(['file'])
  })

  it('with more files or bytes than it may have is refused', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => store.put(`three/${name}`, Buffer.alloc(10))))
    const from = `s3://${bucket}/three/`
    for (const settings of [{ unpack_max_entries: 2 }, { unpack_max_bytes: 29 }]) {
      const { taken, directory } = await fetchFromMinio({ from }, {}, settings)
      expect(taken).toMatchObject({
        kind: 'InputInvalid',
        message: expect.stringMatching(/more than (2 files|29 bytes)/),
      })
      expect(readdirSync(directory)).not.toContain('file')
    }
  })
})

it('a job finds objects of another store in its input directory', { timeout: 150_000 }, async () => {
  await store.put('job/a', Buffer.from('of the bucket'))
  const { endpoint, accessKey, secretKey } = minio
  const api = await startApi(
    { copy: 'command: ["sh", "-c", "cp -r $INPUT_DIRECTORY/. $RESULT_DIRECTORY/"]' },
    {
      INPUT_ALLOW_HTTP: '1',
      OUTGOING_ALLOW: 'any',
      REQUEST_SECRETS: 'data',
      LOCAL_SECRETS_DIRECTORY: secretsFolder({ data: { endpoint, accessKey, secretKey } }),
    },
  )
  onTestFinished(() => api.close())
  const deploy = (secret: string) =>
    call(api.url, deployJson({ job: 'copy', inputs: [{ from: `s3://${bucket}/job/`, to: 'in', secret }] }))
  const refused = await deploy('jobferry-credentials')
  expect(refused.status).toBe(400)
  expect(refused.json()).toMatchObject({
    errors: [{ field: 'inputs[0].secret', expected: 'one of data' }],
  })
  const { job_uuid: uuid } = (await deploy('data')).json() as { job_uuid: string }
  expect(await untilFinal(api.url, uuid)).toMatchObject({
    state: 'succeeded',
    inputs: [{ source: `s3://${bucket}/job/`, to: 'in', files: 1 }],
  })
  const answer = await call(api.url, { path: `/job/${uuid}/result?file=in/a` })
  expect(answer.body.toString()).toBe('of the bucket')
})
