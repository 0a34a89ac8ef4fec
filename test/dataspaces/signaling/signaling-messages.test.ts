import { expect, it } from 'vitest'
import {
  parseBegin,
  parseRegistration,
  parseSignal,
} from '../../../src/dataspaces/signaling/signaling-messages.ts'
import { Problem } from '../../../src/util/errors.ts'

const start = {
  messageId: 'm-1',
  participantId: 'did:web:provider.example',
  counterPartyId: 'did:web:consumer.example',
  dataspaceContext: 'a-dataspace',
  processId: 'process-1',
  agreementId: 'agreement-1',
  datasetId: 'dataset-1',
  profile: 'https://w3id.org/dspace-sig/profile/http-pull',
  claims: { membership: 'active', sub: 'subject' },
}
/** The message of connectors 0.16: other names, null for absent fields, no claims. */
const earlier = {
  ...without(start, 'profile', 'claims'),
  transferType: 'HttpData-PULL',
  callbackAddress: 'https://connector.example/signaling',
  dataAddress: null,
  labels: null,
  metadata: null,
}

it('accepts the message of the specification', () => {
  const whole = { ...start, labels: ['gold', 'blue'], metadata: { bucketName: 'a', region: 'b' } }
  const { claims, metadata, ...rest } = parseBegin(whole)
  expect(rest).toEqual({ ...without(start, 'claims'), labels: ['gold', 'blue'], earlier: false })
  expect([claims, metadata]).toEqual([{}, {}])
})

it('accepts the field names of earlier connectors', () => {
  expect(parseBegin(earlier)).toMatchObject({
    profile: 'HttpData-PULL',
    callbackAddress: 'https://connector.example/signaling',
    earlier: true,
  })
})

it('tolerates unknown members, nested to any depth', () => {
  const deep = JSON.parse(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`) as unknown
  expect(parseBegin({ ...start, claims: deep, metadata: deep, unknown: deep })).toMatchObject({
    processId: 'process-1',
  })
})

it.each(Object.keys(start))('names %s if it is missing', (field) => {
  expect(fieldsOf(() => parseBegin(without(start, field)))).toEqual([field])
})

it.each([
  ['processId', ''],
  ['processId', 7],
  ['processId', 'x'.repeat(256)],
  ['processId', 'a\0b'],
  ['datasetId', null],
  ['claims', 'active'],
  ['claims', ['active']],
  ['metadata', 'text'],
  ['labels', 'gold'],
  ['labels[0]', [7]],
  ['dataAddress', 'https://example.com'],
  ['dataAddress.endpointProperties', { endpointProperties: {} }],
  ['dataAddress.endpointProperties[0].value', { endpointProperties: [{ name: 'a' }] }],
  ['callbackAddress', 'ftp://example.com'],
  ['callbackAddress', 'no address'],
  ['callbackAddress', 'https://example.com/elsewhere?'],
  ['callbackAddress', 'https://example.com/elsewhere#'],
  ['processId', '..'],
])('names %s if it is wrong', (field, value) => {
  const name = field.split(/[.[]/)[0] ?? ''
  expect(fieldsOf(() => parseBegin({ ...start, [name]: value }))).toEqual([field])
})

it.each([null, [], 'text', 7])('names the request if it is not an object: %j', (value) => {
  expect(fieldsOf(() => parseBegin(value))).toEqual(['request'])
})

it('requires a messageId of messages to a flow, except from earlier connectors', () => {
  expect(parseSignal({ messageId: 'm', reason: 'because', other: 1 }, false)).toMatchObject({
    reason: 'because',
  })
  expect(fieldsOf(() => parseSignal({}, false))).toEqual(['messageId'])
  expect(parseSignal({ messageId: null, reason: null }, true).reason).toBeUndefined()
  expect(parseSignal({}, true)).toMatchObject({})
})

it('accepts registrations of control planes', () => {
  const registration = { controlplaneId: 'cp', endpoint: 'https://cp.example/signaling' }
  expect(parseRegistration({ ...registration, more: 1 })).toEqual(registration)
  expect(fieldsOf(() => parseRegistration({ endpoint: 'cp.example' }))).toEqual([
    'controlplaneId',
    'endpoint',
  ])
  expect(fieldsOf(() => parseRegistration({ ...registration, authorization: {} }))).toEqual([
    'authorization.type',
  ])
})

function without<T extends object>(value: T, ...fields: string[]): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !fields.includes(name))) as Partial<T>
}

function fieldsOf(parse: () => unknown): string[] {
  try {
    parse()
  } catch (error) {
    if (error instanceof Problem) return error.errors.map(({ field }) => field)
    throw error
  }
  throw new Error('it was not refused')
}

it('names the expected type of each missing field', () => {
  expect(() => parseBegin({})).toThrow('datasetId: is missing; expected a string')
})
