import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { call } from '../../http/client.ts'
import { eventually } from '../../support/time/eventually.ts'
import { addressIn, ns, provisioningSpace, pull } from './provisioning-space.ts'

const space = provisioningSpace()

test('an asset is made by its job, announced in the exact form, pulled with its token and deprovisioned', async () => {
  const asked = await space.connector.ask(space.url, 'provision', { asset: 'text-hello' })
  expect(asked.status).toBe(200)
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  const [called] = await space.connector.until(`/callback/${asked.transfer}/provision`)
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
        [`${ns}baseUrl`]: `${space.url}/job/${uuid}/result?file=a.txt`,
        [`${ns}authKey`]: 'Authorization',
        [`${ns}authCode`]: expect.stringMatching(/^Bearer jfg_/) as string,
      },
    },
    apiKeyJwt: 'unused',
    hasToken: false,
  })
  const address = addressIn(called?.body)
  expect(await pull(address)).toEqual({ status: 200, body: 'hello' })
  const other = { ...address, [`${ns}baseUrl`]: `${space.url}/job/${uuid}/result?file=b.txt` }
  expect((await pull(other)).status).toBe(403)
  expect(space.connector.lost).toEqual([])

  const over = await space.connector.ask(space.url, 'deprovision', { ...asked, asset: 'text-hello' })
  expect(over.status).toBe(200)
  expect((await pull(address)).status).toBe(401)
  await eventually(async () => expect((await call(space.url, { path: `/job/${uuid}` })).status).toBe(404))
  expect(space.connector.calls).toHaveLength(1)
})

test("a configured job's own callback is also sent if the job runs for a connector", async () => {
  const asked = await space.connector.ask(space.url, 'provision', { asset: 'calling' })
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  const [called] = await space.receiver.until(1, 20_000)
  expect(JSON.parse(called?.body ?? '')).toMatchObject({ type: 'job.succeeded', data: { job_uuid: uuid } })
})

test('a connector of 0.10, which sends no type, gets a tar of all results', async () => {
  const asked = await space.connector.ask(space.url, undefined, { asset: 'all-of-it' })
  const [called] = await space.connector.until(`/${asked.transfer}/provision`)
  const { status, body } = await pull(addressIn(called?.body))
  expect(status).toBe(200)
  expect(body).toContain('ustar')
})

test('a second request by a connector of 0.10, after its callback, is a deprovision', async () => {
  // The body of connector 0.10.0, which is the same for both requests.
  const [transfer, resource] = [randomUUID(), randomUUID()]
  const body = JSON.stringify({
    ...{ assetId: 'text-twice', transferProcessId: transfer },
    policy: {
      ...{ permissions: [], prohibitions: [], obligations: [], profiles: [], extensibleProperties: {} },
      ...{ inheritsFrom: null, assigner: 'provider', assignee: 'consumer', target: 'text-twice' },
      '@type': { '@policytype': 'contract' },
    },
    ...{ callbackAddress: space.connector.callbackAddress, resourceDefinitionId: resource },
  })
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  const ask = () => fetch(`${space.url}/provision`, { method: 'POST', headers, body })
  const { job_uuid: uuid } = (await (await ask()).json()) as { job_uuid: string }
  expect((await ask()).status).toBe(200)
  const [called] = await space.connector.until(`/${transfer}/provision`)
  const address = addressIn(called?.body)
  expect(await pull(address)).toEqual({ status: 200, body: 'twice' })

  // Until the callback is recorded as delivered, a repeated request still is a provision.
  await eventually(async () => {
    expect((await ask()).status).toBe(200)
    expect((await pull(address)).status).toBe(401)
  })
  const again = await ask()
  expect([again.status, await again.json()]).toMatchObject([200, { job_uuid: uuid }])
  await eventually(async () => expect((await call(space.url, { path: `/job/${uuid}` })).status).toBe(404))
  expect(space.connector.calls).toHaveLength(1)
})

test('a job named in the URL needs no mapping', async () => {
  const asked = await space.connector.ask(space.url, 'provision', { path: '/provision?job=quick&file=b.txt' })
  const [called] = await space.connector.until(`/${asked.transfer}/provision`)
  expect(await pull(addressIn(called?.body))).toEqual({ status: 200, body: 'other' })
})

test('a data plane gets callbacks in its own form, also after its deprovision', async () => {
  const path = '/provision?asset=text-flow'
  const asked = await space.connector.askAsDataPlane(space.url, 'provision', { path })
  expect(asked.status).toBe(200)
  const [called] = await space.connector.until(`/callback/${asked.transfer}/${asked.resource}/provision`)
  expect(Object.keys(called?.body as object)).toEqual(['dataAddress'])
  expect(await pull(addressIn(called?.body))).toEqual({ status: 200, body: 'flow' })
  await space.connector.askAsDataPlane(space.url, 'deprovision', { ...asked, path })
  await space.connector.until(`/callback/${asked.transfer}/${asked.resource}/deprovision`)
  expect((await pull(addressIn(called?.body))).status).toBe(401)
  expect(space.connector.lost).toEqual([])
})

test('callbacks for existing results are sent only after the answer, for 40 requests at once', async () => {
  const asset = `job:${space.archive}`
  const all = await Promise.all(
    Array.from({ length: 40 }, () => space.connector.ask(space.url, 'provision', { asset })),
  )
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
  const called = await space.connector.until('/provision', 40)
  expect(space.connector.lost).toEqual([])
  expect(new Set(called.map(({ body }) => (body as { resourceName: string }).resourceName)).size).toBe(40)
  const [first, second] = all
  await space.connector.ask(space.url, 'deprovision', { ...first, asset })
  const bodyOf = (transfer = '') => called.find(({ path }) => path.includes(transfer))?.body
  expect((await pull(addressIn(bodyOf(first?.transfer)))).status).toBe(401)
  expect(await pull(addressIn(bodyOf(second?.transfer)))).toEqual({ status: 200, body: 'other' })
})

test('a repeated request gives the same job and one callback', async () => {
  const asked = await space.connector.ask(space.url, 'provision', { asset: 'text-once' })
  const again = await Promise.all(
    Array.from({ length: 5 }, () =>
      space.connector.ask(space.url, 'provision', { ...asked, asset: 'text-once' }),
    ),
  )
  for (const { status, json } of again) expect([status, json]).toEqual([200, asked.json])
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  await space.connector.until(`/${asked.transfer}/provision`)
  const later = await space.connector.ask(space.url, 'provision', { ...asked, asset: 'text-once' })
  expect(later.json).toEqual(asked.json)
  // A callback comes a second after the answer; a later transfer's callback shows that it is over.
  const others = await space.connector.ask(space.url, 'provision', { asset: `job:${space.archive}` })
  await space.connector.until(`/${others.transfer}/provision`)
  expect(
    space.connector.calls.filter(({ path, status }) => path.includes(asked.transfer) && status < 300),
  ).toHaveLength(1)
  expect(await space.callbacksOf(uuid)).toMatchObject([{ kind: 'edc-provisioned', state: 'delivered' }])
})
