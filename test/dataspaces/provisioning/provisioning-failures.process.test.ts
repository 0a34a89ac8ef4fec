import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { call } from '../../http/client.ts'
import { eventually } from '../../support/time/eventually.ts'
import { addressIn, provisioningSpace, pull } from './provisioning-space.ts'

const space = provisioningSpace()

test('a failed callback is sent again, with a valid address', async () => {
  space.connector.fail(500, 503, 409)
  const asked = await space.connector.ask(space.url, 'provision', { asset: 'text-patience' })
  const [called] = await space.connector.until(`/${asked.transfer}/provision`)
  expect(await pull(addressIn(called?.body))).toEqual({ status: 200, body: 'patience' })
  expect(space.connector.calls.map(({ status }) => status)).toEqual([500, 503, 409, 204])
})

test("a failed job terminates its transfer by the management API, which is recorded in the job's history", async () => {
  const asked = await space.connector.ask(space.url, 'provision', { asset: 'failing' })
  const [called] = await space.connector.until('/terminate')
  expect(called?.path).toBe(`/management/v3/transferprocesses/${asked.transfer}/terminate`)
  expect(called?.headers['x-api-key']).toBe('connectors-key')
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  expect(called?.body).toMatchObject({
    reason: expect.stringContaining(`job ${uuid} failed: Error`) as string,
  })
  await eventually(async () => {
    expect(await space.callbacksOf(uuid)).toMatchObject([{ kind: 'edc-terminate', state: 'delivered' }])
  })
})

test('a result without the promised file terminates the transfer', async () => {
  const asked = await space.connector.ask(space.url, 'provision', { asset: 'missing' })
  const [called] = await space.connector.until(`/${asked.transfer}/terminate`)
  expect(called?.body).toMatchObject({
    reason: expect.stringContaining('"c.txt" is not among the results') as string,
  })
})

test('a refusal of the callback for good terminates the transfer', async () => {
  space.connector.fail(400)
  const asked = await space.connector.ask(space.url, 'provision', { asset: 'text-refused' })
  const [called] = await space.connector.until(`/${asked.transfer}/terminate`)
  expect(called?.body).toMatchObject({ reason: expect.stringContaining('400') as string })
})

test('a deprovision during the job cancels the job and sends no callback', async () => {
  const asked = await space.connector.ask(space.url, 'provision', { asset: 'slow' })
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  const over = await space.connector.ask(space.url, 'deprovision', { ...asked, asset: 'slow' })
  expect(over.status).toBe(200)
  const job = await call(space.url, { path: `/job/${uuid}?wait=50` })
  expect(job.json()).toMatchObject({ state: 'canceled' })
  expect((await space.connector.ask(space.url, 'deprovision', { ...asked, asset: 'slow' })).status).toBe(200)
  expect(await space.callbacksOf(uuid)).toEqual([])
  expect(space.connector.calls).toEqual([])
})

test('a deprovision of an unknown transfer succeeds', async () => {
  expect((await space.connector.ask(space.url, 'deprovision')).status).toBe(200)
  const asked = await space.connector.askAsDataPlane(space.url, 'deprovision')
  expect(asked.status).toBe(200)
  await space.connector.until(`/${asked.resource}/deprovision`)
})

test.each<[string, object, number, string]>([
  ['an unconfigured asset', { asset: 'unknown' }, 404, 'No dataset'],
  ['deleted results', { asset: `job:${randomUUID()}` }, 404, 'There is no job'],
  [
    'a forbidden callback address',
    { body: { callbackAddress: 'http://169.254.169.254/' } },
    400,
    'callbackAddress',
  ],
  ['no resource definition', { body: { resourceDefinitionId: null } }, 400, 'resourceDefinitionId'],
  ['an unconfigured job', { path: '/provision?job=nothing' }, 400, 'job: is unknown'],
  ['an unknown parameter', { path: '/provision?jbo=quick' }, 400, 'jbo'],
  ['a dataset with an unconfigured job', { asset: 'unconfigured' }, 503, 'nowhere'],
  ['S3 from a folder store', { asset: 's3' }, 503, 'S3_ENDPOINT'],
])(
  '%s gets a status on which the connector ends the transfer or retries',
  async (_, options, status, detail) => {
    const asked = await space.connector.ask(space.url, 'provision', { asset: 'text-x', ...options })
    expect(asked.json).toMatchObject({ detail: expect.stringContaining(detail) as string })
    expect(asked.status).toBe(status)
  },
)
