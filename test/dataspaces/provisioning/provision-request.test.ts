import { expect, test } from 'vitest'
import { parseProvisionRequest, provisionId } from '../../../src/dataspaces/provisioning/provision-request.ts'

const callbackAddress = 'http://connector:8181/management/callback'
const control = {
  assetId: 'a',
  transferProcessId: 't',
  resourceDefinitionId: 'r',
  policy: {},
  callbackAddress,
}
const data = { type: 'provision', provisionResourceId: 'r', flowId: 'f', callbackAddress }
const ofControl = {
  generation: 'control-plane',
  transfer: 't',
  resource: 'r',
  asset: 'a',
  callbackAddress,
}
const ofData = { generation: 'data-plane', type: 'provision', transfer: 'f', resource: 'r', callbackAddress }

test.each([
  ['of 0.10, without a type', control, ofControl],
  ['with a type', { ...control, type: 'provision' }, { ...ofControl, type: 'provision' }],
  [
    'to deprovision',
    { ...control, type: 'deprovision' },
    { ...ofControl, type: 'deprovision', callbackAddress: undefined },
  ],
  ['with unknown members', { ...control, edctype: 'x', extra: { a: [1, [[[[['\0']]]]]] } }, ofControl],
  [
    'with a policy of any depth',
    { ...control, policy: { a: { b: { c: { d: { e: { f: { g: {} } } } } } } } },
    ofControl,
  ],
  ['with a slash at the address’s end', { ...control, callbackAddress: `${callbackAddress}/` }, ofControl],
  ['of a data plane', data, ofData],
  ['of a data plane, to deprovision', { ...data, type: 'deprovision' }, { ...ofData, type: 'deprovision' }],
])('a request %s is parsed', (_, value, expected) => {
  expect({ callbackAddress: undefined, ...parseProvisionRequest(value) }).toEqual(expected)
})

test.each<[string, unknown, string]>([
  ['of a text', 'x', 'transferProcessId'],
  ['of null', null, 'transferProcessId'],
  ['without an asset', { ...control, assetId: undefined }, 'assetId: is missing'],
  ['with a number as an id', { ...control, transferProcessId: 1 }, 'transferProcessId: is a number'],
  ['with an empty id', { ...control, resourceDefinitionId: '' }, 'resourceDefinitionId: is not allowed'],
  ['with an id that leads out of the URL', { ...data, flowId: '..' }, 'flowId: is not allowed'],
  ['with an unknown type', { ...control, type: 'suspend' }, 'type: is not allowed'],
  ['without a callbackAddress', { ...control, callbackAddress: undefined }, 'callbackAddress: is missing'],
  [
    'with a relative callbackAddress',
    { ...control, callbackAddress: '/callback' },
    'callbackAddress: is not allowed',
  ],
  [
    'with a password in the callbackAddress',
    { ...control, callbackAddress: 'http://a:b@c/' },
    'callbackAddress: is not allowed',
  ],
  [
    'with a query in the callbackAddress',
    { ...control, callbackAddress: 'http://c/?a=b' },
    'callbackAddress: is not allowed',
  ],
  [
    'with another scheme of the callbackAddress',
    { ...control, callbackAddress: 'file:///etc' },
    'callbackAddress: is not allowed',
  ],
  [
    'of a flow without a resource',
    { ...data, provisionResourceId: undefined },
    'provisionResourceId: is missing',
  ],
])('a request %s is refused', (_, value, message) => {
  expect(() => parseProvisionRequest(value)).toThrow(message)
})

test('the id of a provision depends on its generation, transfer and resource', () => {
  const id = (change: object) => provisionId(parseProvisionRequest({ ...control, ...change }))
  expect(id({})).toMatch(/^[0-9a-f]{32}$/)
  expect(id({ type: 'deprovision', assetId: 'b', callbackAddress: 'http://d' })).toBe(id({}))
  const others = [
    id({ transferProcessId: 'u' }),
    id({ resourceDefinitionId: 's' }),
    provisionId(parseProvisionRequest({ ...data, flowId: 't' })),
  ]
  expect(new Set([...others, id({})]).size).toBe(4)
})
