import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, deployForm, deployJson } from '../../http/client.ts'
import { type RunningApi, startApi } from '../../http/running.ts'
import { untilFinal } from '../../http/until-final.ts'
import { removeCa, serve, sourceServer, testCa } from '../../sidecar/inputs/source-server.ts'
import { zipOf } from '../../sidecar/inputs/unpack/zip-of.ts'

const copy = 'command: ["sh", "-c", "cp -r $INPUT_DIRECTORY/. $RESULT_DIRECTORY/"]'
let api: RunningApi

beforeAll(async () => {
  api = await startApi({ copy }, { INPUT_CA: testCa().pem })
})
afterAll(async () => {
  await api?.close()
  removeCa()
})

it('puts the contents of a request into the input directory, in folders of their own', async () => {
  const inputs = [
    { content: 'a: 1\n', to: 'settings/a.yaml' },
    { content: '', to: 'empty' },
    { content: 'ü', to: 'settings/deep/with space' },
  ]
  const uuid = await deployed(await call(api.url, deployJson({ job: 'copy', inputs })))
  expect(await untilFinal(api.url, uuid)).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
  for (const { to, content } of inputs) expect(await fileOf(uuid, to)).toBe(content)
})

it('puts contents beside uploaded inputs', async () => {
  const uuid = await deployed(
    await call(
      api.url,
      deployForm(
        { name: 'request', content: JSON.stringify({ job: 'copy', inputs: [{ content: 'b', to: 'b' }] }) },
        { name: 'input', filename: 'a', content: 'a' },
      ),
    ),
  )
  expect(await untilFinal(api.url, uuid)).toMatchObject({ state: 'succeeded' })
  expect([await fileOf(uuid, 'a'), await fileOf(uuid, 'b')]).toEqual(['a', 'b'])
})

it('takes a request as another one if a content differs', async () => {
  const deploy = (content: string) => {
    const given = deployJson({ job: 'copy', inputs: [{ content, to: 'a' }] })
    return call(api.url, { ...given, headers: { ...given.headers, 'idempotency-key': 'contents' } })
  }
  const first = await deployed(await deploy('one'))
  expect(await deployed(await deploy('one'))).toBe(first)
  expect((await deploy('two')).status).toBe(422)
  await untilFinal(api.url, first)
  expect(await fileOf(first, 'a')).toBe('one')
})

describe('an input from a URL', () => {
  const bytes = randomBytes(3 * 2 ** 20)

  it('is there under its name or `to` when the worker starts, after cuts too', async () => {
    const { url } = await sourceServer(serve(bytes, '"one"', 2 ** 20))
    const inputs = [{ from: `${url}/a%20b.bin?key=1` }, { from: `${url}/x`, to: 'folder/c' }]
    const uuid = await deployed(await call(api.url, deployJson({ job: 'copy', inputs })))
    const facts = { size: bytes.length, sha256: sha256(bytes), etag: '"one"' }
    const taken = [
      { source: `${url}/a%20b.bin`, to: 'a b.bin', ...facts },
      { source: `${url}/x`, to: 'folder/c', ...facts },
    ]
    expect(await untilFinal(api.url, uuid)).toMatchObject({ state: 'succeeded', inputs: taken })
    for (const path of ['a b.bin', 'folder/c']) expect((await bytesOf(uuid, path)).equals(bytes)).toBe(true)
  })

  it('is unpacked as a zip, and a zip that lies is refused whole, naming it', async () => {
    const items = [
      { name: 'a', content: 'one' },
      { name: 'b/c', content: 'two' },
    ]
    const zips = new Map([
      ['/true.zip', zipOf(items)],
      ['/fewer.zip', zipOf(items, { count: 1 })],
    ])
    const { url } = await sourceServer((req, res) => res.end(zips.get(req.url ?? '')))
    const deploy = async (name: string) => {
      const inputs = [{ from: `${url}/${name}`, unpack: 'zip' }]
      return await untilFinal(
        api.url,
        await deployed(await call(api.url, deployJson({ job: 'copy', inputs }))),
      )
    }
    const job = await deploy('true.zip')
    expect(job).toMatchObject({ state: 'succeeded', inputs: [{ to: 'true' }] })
    expect(await fileOf(job.job_uuid, 'true/b/c')).toBe('two')
    expect(await deploy('fewer.zip')).toMatchObject({
      ...{ state: 'failed', reason: 'InputInvalid', result: { state: 'missing' } },
      message: expect.stringMatching(
        /fewer.zip: as zip it is refused: its directory has more than the 1 entries/,
      ),
    })
  })

  it('that is not there fails the job at once, naming it', async () => {
    const { url } = await sourceServer((_, res) => res.writeHead(404).end())
    const uuid = await deployed(
      await call(api.url, deployJson({ job: 'copy', inputs: [{ from: `${url}/x?key=1` }] })),
    )
    expect(await untilFinal(api.url, uuid)).toMatchObject({
      state: 'failed',
      reason: 'InputUnavailable',
      message: `${url}/x: it answered 404`,
      result: { state: 'missing' },
    })
  })

  it('with another digest fails the job', async () => {
    const { url } = await sourceServer(serve(bytes, undefined))
    const inputs = [{ from: `${url}/x`, sha256: '0'.repeat(64) }]
    const uuid = await deployed(await call(api.url, deployJson({ job: 'copy', inputs })))
    expect(await untilFinal(api.url, uuid)).toMatchObject({ state: 'failed', reason: 'InputInvalid' })
  })

  it.each([
    [{ from: 'http://localhost/a' }, 'inputs[0].from'],
    [{ from: 'https://169.254.169.254/a' }, 'inputs[0].from'],
    [{ from: 'https://user:word@example.org/a' }, 'inputs[0].from'],
    [{ from: 'https://example.org/' }, 'inputs[0].to'],
    [{ from: 'https://example.org/a', content: 'x' }, 'inputs[0].from'],
    [{ from: 'https://example.org/a', sha256: 'abc' }, 'inputs[0].sha256'],
  ])('%j is refused with the field', async (input, field) => {
    const answer = await call(api.url, deployJson({ job: 'copy', inputs: [input] }))
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ errors: [{ field }] })
  })
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function deployed(answer: Awaited<ReturnType<typeof call>>): Promise<string> {
  expect(answer.status).toBe(201)
  return (answer.json() as { job_uuid: string }).job_uuid
}

async function fileOf(uuid: string, path: string): Promise<string> {
  return (await bytesOf(uuid, path)).toString()
}

async function bytesOf(uuid: string, path: string): Promise<Buffer> {
  const answer = await call(api.url, { path: `/job/${uuid}/result?file=${encodeURIComponent(path)}` })
  expect(answer.status).toBe(200)
  return answer.body
}
