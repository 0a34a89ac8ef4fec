import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Dataspace, Notice } from './dataspace.ts'

/** DID of the provider, for which this data plane acts. */
export const provider = 'did:web:provider.example'
/** The control plane's token for the API; apiTokens is its line in API_TOKENS. */
export const apiToken = 'token-of-the-connector'
export const apiTokens = `connector:${createHash('sha256').update(apiToken).digest('hex')}`

interface DataAddress {
  endpointType: string
  endpoint: string
  endpointProperties: { name: string; value: string }[]
}

/** Settings that make the API a data plane of this data space. */
export function dataPlaneSettings({ certificateFile }: Dataspace, port: number): Record<string, string> {
  return {
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    API_TOKENS: apiTokens,
    SIGNALING_PARTICIPANT_ID: provider,
    SIGNALING_TOKEN_SECONDS: '60',
    OUTGOING_ALLOW: 'any',
    NODE_EXTRA_CA_CERTS: certificateFile,
  }
}

/** A DataFlowStartMessage with the control plane's callback address. */
export function startMessage(space: Dataspace, processId: string, datasetId: string) {
  return {
    messageId: `start-${processId}`,
    participantId: provider,
    counterPartyId: space.did,
    dataspaceContext: 'a-dataspace',
    processId,
    agreementId: 'an-agreement',
    datasetId,
    profile: 'https://w3id.org/dspace-sig/profile/http-pull',
    callbackAddress: space.controlPlane,
    claims: { membership: { since: [{ year: [{ nested: [{ deeply: [{}] }] }] }] } },
    somethingNew: true,
  }
}

/** Sends a signaling call as the control plane does. */
export async function tell(url: string, path: string, body: unknown = { messageId: 'a-message' }) {
  const response = await fetch(`${url}/dataflows/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(text) as Record<string, unknown>,
  }
}

export async function stateOf(url: string, flow: string): Promise<unknown> {
  const response = await fetch(`${url}/dataflows/${flow}/status`, {
    headers: { authorization: `Bearer ${apiToken}` },
  })
  return ((await response.json()) as { state: unknown }).state
}

/** The properties of the address in a status message. */
export function addressIn(message: Record<string, unknown>) {
  const { endpointType, endpoint, endpointProperties } = message.dataAddress as DataAddress
  const properties = Object.fromEntries(endpointProperties.map(({ name, value }) => [name, value]))
  return { endpointType, endpoint, ...properties } as Record<string, string>
}

export async function download(address: Record<string, string>, token = address.authorization) {
  const response = await fetch(String(address.endpoint), { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, text: await response.text() }
}

/** Renews the access token as the consumer does. */
export async function renewToken(address: Record<string, string>, jwt: string) {
  const parameters = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: address.refreshToken ?? '',
  })
  const response = await fetch(`${address.refreshEndpoint}?${parameters}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/x-www-form-urlencoded' },
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/**
 * Runs one transfer from its start to its completion; a job makes the dataset, whose text must be
 * `expected`. Resolves with the notification that the control plane received.
 */
export async function wholeTransfer(
  url: string,
  space: Dataspace,
  {
    process,
    dataset,
    expected,
    seconds,
  }: { process: string; dataset: string; expected: string; seconds: number },
): Promise<Notice> {
  const began = await tell(url, 'start', startMessage(space, process, dataset))
  const answeredAt = Date.now()
  expect(began).toMatchObject({ status: 202, body: { state: 'STARTING', dataFlowId: process } })
  expect(began.headers.get('location')).toBe(`/dataflows/${process}/status`)
  expect(await tell(url, 'start', startMessage(space, process, dataset))).toMatchObject({ status: 409 })

  const notice = await space.until(`/transfers/${process}/dataflow/started`, seconds * 1000)
  expect(notice.at).toBeGreaterThanOrEqual(answeredAt)
  expect(notice.body).toMatchObject({ state: 'STARTED', dataFlowId: process })
  const address = addressIn(notice.body)
  expect(address).toMatchObject({
    endpointType: 'https://w3id.org/dspace-sig/profile/http-pull',
    authType: 'bearer',
    expiresIn: '60',
  })
  expect(await download(address)).toEqual({ status: 200, text: expected })

  const claims = { iss: space.did, sub: space.did, aud: provider, token: address.authorization }
  const renewed = await renewToken(address, await space.sign(claims))
  expect(renewed).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 60 } })
  const token = String(renewed.body.access_token)
  expect(token).not.toBe(address.authorization)
  expect(await download(address, token)).toEqual({ status: 200, text: expected })

  expect(await tell(url, `${process}/suspend`)).toMatchObject({ status: 200, body: { state: 'SUSPENDED' } })
  expect((await download(address, token)).status).toBe(403)
  const resumed = await tell(url, `${process}/resume`)
  expect(resumed).toMatchObject({ status: 200, body: { state: 'STARTED' } })
  expect(await download(addressIn(resumed.body))).toEqual({ status: 200, text: expected })

  expect(await tell(url, `${process}/completed`, {})).toMatchObject({ status: 200 })
  expect((await download(address, token)).status).toBe(401)
  expect(await stateOf(url, process)).toBe('COMPLETED')
  expect(await tell(url, `${process}/terminate`)).toMatchObject({ status: 409 })
  expect(space.notices.filter(({ path }) => path.includes(process))).toHaveLength(1)
  return notice
}
