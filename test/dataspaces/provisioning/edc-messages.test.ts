import { expect, test } from 'vitest'
import { amazonS3, httpData } from '../../../src/dataspaces/provisioning/edc-data-address.ts'
import {
  callbackUrl,
  provisionedBody,
  terminateBody,
  terminateUrl,
} from '../../../src/dataspaces/provisioning/edc-messages.ts'
import { isBelow, isConnectors } from '../../../src/dataspaces/provisioning/edc-settings.ts'

const ns = 'https://w3id.org/edc/v0.0.1/ns/'
const base = { transfer: 't/1', resource: 'r 2', callbackAddress: 'http://c/callback' }
const control = { ...base, generation: 'control-plane', asset: 'a' } as const
const data = { ...base, generation: 'data-plane' } as const
const address = httpData('https://j/job/u/result?file=a', 'jfg_x.y')

test('a data address has full IRIs as the names of its properties', () => {
  expect(address).toEqual({
    properties: {
      [`${ns}type`]: 'HttpData',
      [`${ns}baseUrl`]: 'https://j/job/u/result?file=a',
      [`${ns}authKey`]: 'Authorization',
      [`${ns}authCode`]: 'Bearer jfg_x.y',
    },
  })
  const access = {
    bucket: 'b',
    key: 'k/l',
    region: 'eu',
    endpoint: 'http://s3',
    accessKeyId: 'i',
    secretAccessKey: 's',
  }
  const expected = {
    [`${ns}type`]: 'AmazonS3',
    [`${ns}bucketName`]: 'b',
    [`${ns}keyName`]: 'k/l',
    [`${ns}objectName`]: 'k/l',
    [`${ns}region`]: 'eu',
    [`${ns}endpointOverride`]: 'http://s3',
    [`${ns}accessKeyId`]: 'i',
    [`${ns}secretAccessKey`]: 's',
  }
  expect(amazonS3({ ...access, expiresAt: new Date() })).toEqual({ properties: expected })
  expect(amazonS3({ ...access, sessionToken: 'x', expiresAt: new Date() })).toEqual({
    properties: { ...expected, [`${ns}sessionToken`]: 'x' },
  })
})

test("a control plane's callback has the URL of its transfer and its own form", () => {
  expect(callbackUrl(control, 'provision')).toBe('http://c/callback/t%2F1/provision')
  expect(provisionedBody(control, address, 'unique')).toEqual({
    edctype: 'dataspaceconnector:provisioner-callback-request',
    resourceDefinitionId: 'r 2',
    assetId: 'a',
    resourceName: 'unique',
    contentDataAddress: address,
    apiKeyJwt: 'unused',
    hasToken: false,
  })
})

test("a data plane's callback has the URL of its flow and resource, and only the address as body", () => {
  expect(callbackUrl(data, 'provision')).toBe('http://c/callback/t%2F1/r%202/provision')
  expect(callbackUrl(data, 'deprovision')).toBe('http://c/callback/t%2F1/r%202/deprovision')
  expect(provisionedBody(data, address, 'unique')).toEqual({ dataAddress: address })
})

test('a transfer is terminated with a reason', () => {
  expect(terminateUrl('http://c/management', 't/1')).toBe(
    'http://c/management/v3/transferprocesses/t%2F1/terminate',
  )
  expect(terminateBody('why')).toEqual({
    '@context': { '@vocab': ns },
    '@type': `${ns}TerminateTransfer`,
    reason: 'why',
  })
})

test.each([
  ['http://c/m', true],
  ['http://c/m/callback', true],
  ['http://c:80/m/', true],
  ['http://c/mx', false],
  ['http://c/m/../x', false],
  ['https://c/m', false],
  ['http://c:81/m', false],
  ['http://c@evil/m', false],
  ['http://evil@c/m', false],
  ['x', false],
])('%s is below http://c/m: %s', (url, expected) => {
  expect(isBelow(url, 'http://c/m/')).toBe(expected)
  expect(isConnectors(url, { callbackUrls: [], managementUrl: 'http://c/m' })).toBe(expected)
})
