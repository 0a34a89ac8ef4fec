import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { call } from '../../http/client.ts'
import { type Connector, startConnector } from '../../support/connector.ts'
import { type Embedded, startEmbedded } from '../../support/embedded.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'

const ns = 'https://w3id.org/edc/v0.0.1/ns/'
const jobs = {
  quick: shell('printf "$TEXT" >"$RESULT_DIRECTORY/a.txt"; printf other >"$RESULT_DIRECTORY/b.txt"'),
  slow: shell('printf begun >"$RESULT_DIRECTORY/a.txt"; sleep 60'),
  failing: shell('echo no >&2; exit 3'),
}
let connector: Connector
/** Whom the configured job `calling` names. */
let receiver: Receiver
let api: Embedded
/** A finished job, whose results are an asset. */
let archive: string
/** The mapping's file. */
let datasets: string

beforeAll(async () => {
  connector = await startConnector()
  receiver = await startReceiver()
  const calling = `${jobs.quick}\ncallback: ${receiver.url}`
  archive = randomUUID()
  datasets = join(tmpdir(), `jobferry-datasets-${archive}.yaml`)
  const port = await freePort()
  const start = (mapping: string) =>
    writeFile(datasets, mapping).then(() =>
      startEmbedded(
        { ...jobs, calling },
        {
          CALLBACK_SECRETS: `*: whsec_${Buffer.alloc(32).toString('base64')}`,
          OUTGOING_ALLOW: 'any',
          PORT: String(port),
          PUBLIC_URL: `http://127.0.0.1:${port}`,
          DATASETS_FILE: datasets,
          EDC_API_KEY: 'connectors-key',
          EDC_MANAGEMENT_URL: connector.managementUrl,
          LOG_LEVEL: 'fatal',
        },
      ),
    )
  api = await start(`datasets:
  - {pattern: 'text-(?<text>\\w+)', job: quick, env: {TEXT: "\${text}"}, file: a.txt, remove: job}
  - {pattern: 'all-.*', job: quick}
  - {id: calling, job: calling}
  - {id: slow, job: slow, file: a.txt}
  - {id: failing, job: failing}
  - {id: missing, job: quick, file: c.txt}
  - {id: unconfigured, job: nowhere}
  - {id: s3, job: quick, file: a.txt, given_as: s3}
  - {pattern: 'job:(?<uuid>.*)', job_uuid: "\${uuid}", file: b.txt}
`)
  const deployed = await call(api.url, { path: '/job/deploy?job=quick' })
  archive = (deployed.json() as { job_uuid: string }).job_uuid
  await call(api.url, { path: `/job/${archive}?wait=20` })
}, 60_000)
afterAll(async () => {
  await api?.remove()
  await connector?.close()
  await receiver?.stop()
  await rm(datasets, { force: true })
})
beforeEach(() => {
  connector.calls.length = 0
  connector.lost.length = 0
})

interface Properties {
  [iri: string]: string
}

/** The address that a connector got in a call. */
function addressIn(body: unknown): Properties {
  const { contentDataAddress, dataAddress } = body as Record<string, { properties: Properties }>
  return (contentDataAddress ?? dataAddress)?.properties ?? {}
}

/** As a connector's data plane pulls. */
async function pull(address: Properties): Promise<{ status: number; body: string }> {
  const { [`${ns}baseUrl`]: url = '', [`${ns}authKey`]: key = '', [`${ns}authCode`]: code = '' } = address
  const answer = await fetch(url, { headers: { [key]: code } })
  return { status: answer.status, body: await answer.text() }
}

async function callbacksOf(uuid: string) {
  const answer = await call(api.url, { path: `/job/${uuid}/callbacks` })
  return (answer.json() as { callbacks: { kind: string; state: string; attempts: unknown[] }[] }).callbacks
}

test('an asset is made by its job, told of in the exact form, pulled with its token and taken back', async () => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'text-hello' })
  expect(asked.status).toBe(200)
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  const [called] = await connector.until(`/callback/${asked.transfer}/provision`)
  expect(called?.path).toBe(`/management/callback/${asked.transfer}/provision`)
  expect(called?.headers).toMatchObject({ 'content-type': 'application/json', 'x-api-key': 'connectors-key' })
  expect(called?.body).toEqual({
    edctype: 'dataspaceconnector:provisioner-callback-request',
    resourceDefinitionId: asked.resource,
    assetId: 'text-hello',
    resourceName: expect.stringMatching(/^jobferry-[0-9a-f]{32}$/) as string,
    contentDataAddress: {
      properties: {
        [`${ns}type`]: 'HttpData',
        [`${ns}baseUrl`]: `${api.url}/job/${uuid}/result?file=a.txt`,
        [`${ns}authKey`]: 'Authorization',
        [`${ns}authCode`]: expect.stringMatching(/^Bearer jfg_/) as string,
      },
    },
    apiKeyJwt: 'unused',
    hasToken: false,
  })
  const address = addressIn(called?.body)
  expect(await pull(address)).toEqual({ status: 200, body: 'hello' })
  const other = { ...address, [`${ns}baseUrl`]: `${api.url}/job/${uuid}/result?file=b.txt` }
  expect((await pull(other)).status).toBe(403)
  expect(connector.lost).toEqual([])

  const over = await connector.ask(api.url, 'deprovision', { ...asked, asset: 'text-hello' })
  expect(over.status).toBe(200)
  expect((await pull(address)).status).toBe(401)
  await eventually(async () => expect((await call(api.url, { path: `/job/${uuid}` })).status).toBe(404))
  expect(connector.calls).toHaveLength(1)
})

test('a configured job that names a callback has it called when it is made for a connector too', async () => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'calling' })
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  const [called] = await receiver.until(1, 20_000)
  expect(JSON.parse(called?.body ?? '')).toMatchObject({ type: 'job.succeeded', data: { job_uuid: uuid } })
})

test('a connector of 0.10, which sends no type, gets a tar of everything', async () => {
  const asked = await connector.ask(api.url, undefined, { asset: 'all-of-it' })
  const [called] = await connector.until(`/${asked.transfer}/provision`)
  const { status, body } = await pull(addressIn(called?.body))
  expect(status).toBe(200)
  expect(body).toContain('ustar')
})

test('a connector of 0.10 that asks a second time, for what it was told of, means the end', async () => {
  // As 0.10.0 sent both.
  const [transfer, resource] = [randomUUID(), randomUUID()]
  const body = JSON.stringify({
    ...{ assetId: 'text-twice', transferProcessId: transfer },
    policy: {
      ...{ permissions: [], prohibitions: [], obligations: [], profiles: [], extensibleProperties: {} },
      ...{ inheritsFrom: null, assigner: 'provider', assignee: 'consumer', target: 'text-twice' },
      '@type': { '@policytype': 'contract' },
    },
    ...{ callbackAddress: connector.callbackAddress, resourceDefinitionId: resource },
  })
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  const ask = () => fetch(`${api.url}/provision`, { method: 'POST', headers, body })
  const { job_uuid: uuid } = (await (await ask()).json()) as { job_uuid: string }
  expect((await ask()).status).toBe(200)
  const [called] = await connector.until(`/${transfer}/provision`)
  const address = addressIn(called?.body)
  expect(await pull(address)).toEqual({ status: 200, body: 'twice' })

  // Until its callback is written down as taken, it asks for the data.
  await eventually(async () => {
    expect((await ask()).status).toBe(200)
    expect((await pull(address)).status).toBe(401)
  })
  const again = await ask()
  expect([again.status, await again.json()]).toMatchObject([200, { job_uuid: uuid }])
  await eventually(async () => expect((await call(api.url, { path: `/job/${uuid}` })).status).toBe(404))
  expect(connector.calls).toHaveLength(1)
})

test('a job that the address names needs no mapping', async () => {
  const asked = await connector.ask(api.url, 'provision', { path: '/provision?job=quick&file=b.txt' })
  const [called] = await connector.until(`/${asked.transfer}/provision`)
  expect(await pull(addressIn(called?.body))).toEqual({ status: 200, body: 'other' })
})

test('a data plane is served in its own form, and told when it is over', async () => {
  const path = '/provision?asset=text-flow'
  const asked = await connector.askAsDataPlane(api.url, 'provision', { path })
  expect(asked.status).toBe(200)
  const [called] = await connector.until(`/callback/${asked.transfer}/${asked.resource}/provision`)
  expect(Object.keys(called?.body as object)).toEqual(['dataAddress'])
  expect(await pull(addressIn(called?.body))).toEqual({ status: 200, body: 'flow' })
  await connector.askAsDataPlane(api.url, 'deprovision', { ...asked, path })
  await connector.until(`/callback/${asked.transfer}/${asked.resource}/deprovision`)
  expect((await pull(addressIn(called?.body))).status).toBe(401)
  expect(connector.lost).toEqual([])
})

test('results that exist are told of only after the answer, however many ask at once', async () => {
  const asset = `job:${archive}`
  const all = await Promise.all(
    Array.from({ length: 40 }, () => connector.ask(api.url, 'provision', { asset })),
  )
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
  const called = await connector.until('/provision', 40)
  expect(connector.lost).toEqual([])
  expect(new Set(called.map(({ body }) => (body as { resourceName: string }).resourceName)).size).toBe(40)
  const [first, second] = all
  await connector.ask(api.url, 'deprovision', { ...first, asset })
  const bodyOf = (transfer = '') => called.find(({ path }) => path.includes(transfer))?.body
  expect((await pull(addressIn(bodyOf(first?.transfer)))).status).toBe(401)
  expect(await pull(addressIn(bodyOf(second?.transfer)))).toEqual({ status: 200, body: 'other' })
})

test('the same request again leads to the same job and to one callback', async () => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'text-once' })
  const again = await Promise.all(
    Array.from({ length: 5 }, () => connector.ask(api.url, 'provision', { ...asked, asset: 'text-once' })),
  )
  for (const { status, json } of again) expect([status, json]).toEqual([200, asked.json])
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  await connector.until(`/${asked.transfer}/provision`)
  const later = await connector.ask(api.url, 'provision', { ...asked, asset: 'text-once' })
  expect(later.json).toEqual(asked.json)
  // What it leads to comes a second after the answer.
  const others = await connector.ask(api.url, 'provision', { asset: `job:${archive}` })
  await connector.until(`/${others.transfer}/provision`)
  expect(
    connector.calls.filter(({ path, status }) => path.includes(asked.transfer) && status < 300),
  ).toHaveLength(1)
  expect(await callbacksOf(uuid)).toMatchObject([{ kind: 'edc-provisioned', state: 'delivered' }])
})

test('a callback that fails is sent again, with an address that works', async () => {
  connector.fail(500, 503, 409)
  const asked = await connector.ask(api.url, 'provision', { asset: 'text-patience' })
  const [called] = await connector.until(`/${asked.transfer}/provision`)
  expect(await pull(addressIn(called?.body))).toEqual({ status: 200, body: 'patience' })
  expect(connector.calls.map(({ status }) => status)).toEqual([500, 503, 409, 204])
})

test('a job that fails ends its transfer by the management API, and that stands with the job', async () => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'failing' })
  const [called] = await connector.until('/terminate')
  expect(called?.path).toBe(`/management/v3/transferprocesses/${asked.transfer}/terminate`)
  expect(called?.headers['x-api-key']).toBe('connectors-key')
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  expect(called?.body).toMatchObject({
    reason: expect.stringContaining(`job ${uuid} failed: Error`) as string,
  })
  await eventually(async () => {
    expect(await callbacksOf(uuid)).toMatchObject([{ kind: 'edc-terminate', state: 'delivered' }])
  })
})

test('a result without the file that was promised ends the transfer', async () => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'missing' })
  const [called] = await connector.until(`/${asked.transfer}/terminate`)
  expect(called?.body).toMatchObject({
    reason: expect.stringContaining('"c.txt" is not among the results') as string,
  })
})

test('a connector that refuses the callback for good has its transfer ended', async () => {
  connector.fail(400)
  const asked = await connector.ask(api.url, 'provision', { asset: 'text-refused' })
  const [called] = await connector.until(`/${asked.transfer}/terminate`)
  expect(called?.body).toMatchObject({ reason: expect.stringContaining('400') as string })
})

test('what is deprovisioned while its job runs is stopped, and nobody is told anything', async () => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'slow' })
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  const over = await connector.ask(api.url, 'deprovision', { ...asked, asset: 'slow' })
  expect(over.status).toBe(200)
  const job = await call(api.url, { path: `/job/${uuid}?wait=20` })
  expect(job.json()).toMatchObject({ state: 'canceled' })
  expect((await connector.ask(api.url, 'deprovision', { ...asked, asset: 'slow' })).status).toBe(200)
  expect(await callbacksOf(uuid)).toEqual([])
  expect(connector.calls).toEqual([])
})

test('what was never provisioned counts as deprovisioned', async () => {
  expect((await connector.ask(api.url, 'deprovision')).status).toBe(200)
  const asked = await connector.askAsDataPlane(api.url, 'deprovision')
  expect(asked.status).toBe(200)
  await connector.until(`/${asked.resource}/deprovision`)
})

test.each<[string, object, number, string]>([
  ['an asset that nothing is configured for', { asset: 'unknown' }, 404, 'No dataset'],
  ['results that are gone', { asset: `job:${randomUUID()}` }, 404, 'There is no job'],
  [
    'an address that is never called',
    { body: { callbackAddress: 'http://169.254.169.254/' } },
    400,
    'callbackAddress',
  ],
  ['no resource definition', { body: { resourceDefinitionId: null } }, 400, 'resourceDefinitionId'],
  ['a job that isn’t configured', { path: '/provision?job=nothing' }, 400, 'job: is unknown'],
  ['an unknown parameter', { path: '/provision?jbo=quick' }, 400, 'jbo'],
  ['a dataset whose job isn’t configured', { asset: 'unconfigured' }, 503, 'nowhere'],
  ['S3 from a store that is a folder', { asset: 's3' }, 503, 'S3_ENDPOINT'],
])('%s is answered so that the transfer ends, or is tried again', async (_, options, status, detail) => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'text-x', ...options })
  expect(asked.json).toMatchObject({ detail: expect.stringContaining(detail) as string })
  expect(asked.status).toBe(status)
})

function shell(script: string): string {
  return `command: ["sh", "-c", ${JSON.stringify(script)}]`
}
