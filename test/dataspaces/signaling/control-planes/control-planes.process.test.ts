import { randomUUID } from 'node:crypto'
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DataPlane, startDataPlane } from '../../../support/connector/data-plane.ts'
import { addressIn, apiToken, download, startMessage, tell } from '../../../support/connector/dataflow-run.ts'
import { type Dataspace, startDataspace } from '../../../support/connector/dataspace.ts'
import { eventually } from '../../../support/time/eventually.ts'

let space: Dataspace
let plane: DataPlane
let url: string

beforeAll(async () => {
  space = await startDataspace()
  plane = await startDataPlane(
    space,
    { quick: 'printf quick > $RESULT_DIRECTORY/report.txt', failing: 'exit 3' },
    {
      EDC_MANAGEMENT_URL: `${space.controlPlane}/management`,
      EDC_MANAGEMENT_API_KEY: 'management-key',
      SIGNALING_CONTROL_PLANE_URL: space.controlPlane,
      SIGNALING_CONTROL_PLANE_AUTHORIZATION: 'self-signed',
      SIGNALING_DATAPLANE_ID: 'the-data-plane',
      SIGNALING_REGISTER_URL: `${space.controlPlane}/dataplanes`,
      SIGNALING_REGISTER_HEADERS: 'x-api-key: secret',
      SIGNALING_AUTHORIZATION: JSON.stringify({ type: 'oauth2_client_credentials', clientId: 'connector' }),
    },
  )
  url = plane.api.url
})

afterAll(async () => {
  await plane.remove()
  await space[Symbol.asyncDispose]()
})

it('registers itself at the control plane', async () => {
  const { method, headers, body } = await space.until('/dataplanes')
  expect([method, headers['x-api-key']]).toEqual(['PUT', 'secret'])
  expect(body).toMatchObject({
    dataplaneId: 'the-data-plane',
    endpoint: url,
    profiles: expect.arrayContaining(['https://w3id.org/dspace-sig/profile/http-pull']),
    transferTypes: expect.arrayContaining(['HttpData-PULL']),
    authorization: { type: 'oauth2_client_credentials', clientId: 'connector' },
  })
})

it('calls the configured control plane with a self-signed token', async () => {
  const id = randomUUID()
  const { callbackAddress: _, ...message } = startMessage(space, id, 'quick')
  expect(await tell(url, 'start', message)).toMatchObject({ status: 202 })
  const { headers } = await space.until(`/transfers/${id}/dataflow/started`)
  const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`))
  const { payload } = await jwtVerify(String(headers.authorization).replace('Bearer ', ''), keys, {
    issuer: 'the-data-plane',
    subject: 'the-data-plane',
    audience: space.controlPlane,
    requiredClaims: ['iat', 'exp', 'jti'],
  })
  expect(payload.exp).toBeGreaterThan(Date.now() / 1000)
  const published = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: object[] }
  expect(published.keys).toEqual([expect.not.objectContaining({ d: expect.anything() })])
})

it('calls the registered control plane with a token of its authorization server', async () => {
  const id = randomUUID()
  const { callbackAddress: _, ...message } = startMessage(space, id, 'quick')
  expect(await register('a-control-plane')).toBe(200)
  expect(await tell(url, 'start', message)).toMatchObject({ status: 202 })
  const { headers, body } = await space.until(`/transfers/${id}/dataflow/started`)
  expect(headers.authorization).toMatch(/^Bearer control-plane-\d+$/)
  expect(Object.fromEntries(space.tokenRequests.at(-1) ?? [])).toEqual({
    grant_type: 'client_credentials',
    client_id: 'jobferry',
    client_secret: 'hidden',
  })
  expect(await download(addressIn(body))).toMatchObject({ text: 'quick' })
  expect(await unregister('a-control-plane')).toBe(204)
  expect(await unregister('a-control-plane')).toBe(404)
})

it('names the wrong field of a registration', async () => {
  const endpoint = space.controlPlane
  for (const [path, body, field] of [
    ['', { endpoint }, 'controlplaneId'],
    ['', { controlplaneId: 'a' }, 'endpoint'],
    ['', { controlplaneId: 'a', endpoint: 'http://169.254.169.254/' }, 'endpoint'],
    ['/b', { controlplaneId: 'a', endpoint }, 'controlplaneId'],
    ['', { controlplaneId: 'a', endpoint, authorization: { type: 'else' } }, 'authorization.type'],
    [
      '',
      { controlplaneId: 'a', endpoint, authorization: { type: 'oauth2_client_credentials' } },
      'authorization.tokenEndpoint',
    ],
  ] as const) {
    const response = await put(path, body)
    expect(response.status).toBe(400)
    const { errors } = (await response.json()) as { errors: { field: string }[] }
    expect(errors.map((error) => error.field)).toContain(field)
  }
  expect((await put('/by-its-path', { endpoint })).status).toBe(200)
  expect(await unregister('by-its-path')).toBe(204)
})

it('accepts the messages of connectors 0.16 to 0.18, and answers in their form', async () => {
  const id = randomUUID()
  const { profile: _profile, claims: _claims, ...rest } = startMessage(space, id, 'quick')
  // Connectors 0.16 to 0.18 swap provider and consumer.
  const turned = { participantId: space.did, counterPartyId: rest.participantId }
  const message = { ...rest, ...turned, transferType: 'HttpData-PULL', dataAddress: null, labels: null }
  expect(await tell(url, 'start', message)).toMatchObject({
    status: 202,
    body: { state: 'STARTING', dataplaneId: 'the-data-plane' },
  })
  const address = addressIn((await space.until(`/transfers/${id}/dataflow/started`)).body)
  expect(address.endpointType).toBe('https://w3id.org/idsa/v4.1/HTTP')
  expect(address.refreshToken).toBeDefined()
  expect(await tell(url, `${id}/suspend`, {})).toMatchObject({ status: 200 })
  expect(await tell(url, `${id}/terminate`, {})).toMatchObject({ status: 200 })
})

it.each([
  ['a push', { profile: 'https://w3id.org/dspace-sig/profile/http-push' }, 'profile'],
  ['an address for a pull', { dataAddress: { endpoint: 'https://consumer.example' } }, 'dataAddress'],
  ['an unknown dataset', { datasetId: 'unknown' }, 'datasetId'],
  [
    'a control plane at a metadata address',
    { callbackAddress: 'http://169.254.169.254/' },
    'callbackAddress',
  ],
])('refuses %s', async (_, changed, field) => {
  const message = { ...startMessage(space, randomUUID(), 'quick'), ...changed }
  expect(await tell(url, 'start', message)).toMatchObject({ status: 400, body: { errors: [{ field }] } })
})

it('answers 404 to messages of an unknown flow', async () => {
  for (const message of ['started', 'suspend', 'resume', 'completed', 'terminate']) {
    expect(await tell(url, `nobody/${message}`)).toMatchObject({ status: 404 })
  }
})

it('gives control planes tokens that are valid only for signaling calls', async () => {
  const ask = (client_id: string, client_secret: string) =>
    fetch(`${url}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }),
    })
  expect((await ask('connector', 'wrong')).status).toBe(401)
  expect((await ask('somebody', apiToken)).status).toBe(401)
  const { access_token: token } = (await (await ask('connector', apiToken)).json()) as {
    access_token: string
  }
  expect(await statusWith(token)).toBe(404)
  expect(await statusWith(`${token.slice(0, -6)}AAAAAA`)).toBe(401)
  const jobs = await fetch(`${url}/job`, { headers: { authorization: `Bearer ${token}` } })
  expect(jobs.status).toBe(401)
})

it('accepts each token signed with the registered key of a control plane, once', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const stranger = await generateKeyPair('ES256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k' }]
  await register('signing', { jwks: { keys } })
  const sign = (claims: Record<string, unknown> = {}, key = privateKey, until = '60s') =>
    new SignJWT({ iss: 'cp', sub: 'signing', aud: 'the-data-plane', jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuedAt()
      .setExpirationTime(until)
      .sign(key)
  const token = await sign()
  expect(await statusWith(token)).toBe(404)
  expect(await statusWith(token)).toBe(401)
  for (const wrong of [
    await sign({}, stranger.privateKey),
    await sign({ aud: 'another' }),
    await sign({ sub: 'another' }),
    await sign({}, privateKey, '-60s'),
  ]) {
    expect(await statusWith(wrong)).toBe(401)
  }
  await unregister('signing')
  expect(await statusWith(await sign())).toBe(401)
})

it('repeats a notice to a failing control plane', async () => {
  const id = randomUUID()
  space.answer(503)
  await tell(url, 'start', startMessage(space, id, 'quick'))
  const path = `/signaling/transfers/${id}/dataflow/started`
  await space.until(path.replace('/signaling', ''))
  space.answer(200)
  await eventually(() => expect(space.notices.filter((notice) => notice.path === path)).toHaveLength(2))
})

it('terminates a transfer by the management API if its job fails: connectors only log the notice', async () => {
  const id = randomUUID()
  await tell(url, 'start', startMessage(space, id, 'failing'))
  await space.until(`/transfers/${id}/dataflow/errored`)
  const { headers, body } = await space.until(`/management/v3/transferprocesses/${id}/terminate`)
  expect(headers['x-api-key']).toBe('management-key')
  expect(body.reason).toContain('failed: Error: ')
})

async function put(path: string, body: unknown): Promise<Response> {
  return await fetch(`${url}/controlplanes${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function register(controlplaneId: string, more: Record<string, unknown> = {}): Promise<number> {
  const authorization = {
    type: 'oauth2_client_credentials',
    tokenEndpoint: new URL('/oauth/token', space.controlPlane).href,
    clientId: 'jobferry',
    clientSecret: 'hidden',
    ...more,
  }
  const registration = { controlplaneId, endpoint: `${space.controlPlane}/`, authorization, unknown: true }
  return (await put('', registration)).status
}

async function unregister(id: string): Promise<number> {
  const response = await fetch(`${url}/controlplanes/${id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${apiToken}` },
  })
  return response.status
}

/** The HTTP status of a status request for an unknown flow: 404 if the token is accepted. */
async function statusWith(token: string): Promise<number> {
  const response = await fetch(`${url}/dataflows/none/status`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return response.status
}
