import { expect, test } from 'vitest'
import { callbackSecretsOf, parseSecrets } from '../../../src/notifications/callbacks/secrets.ts'

const [first, second] = [24, 64].map((bytes) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`)

test("a token's own secrets override those of *, and two may be valid at once", () => {
  const secrets = parseSecrets(`\n# receivers\nedc: ${first} ${second}\n*: ${second}\n`)
  if (!secrets) throw new Error('these are secrets')
  expect(callbackSecretsOf(secrets, 'edc')?.map(({ length }) => length)).toEqual([24, 64])
  expect(callbackSecretsOf(secrets, 'other')?.map(({ length }) => length)).toEqual([64])
  expect(callbackSecretsOf(secrets, null)?.map(({ length }) => length)).toEqual([64])
})

test('a caller without secrets of its own or of * has none', () => {
  const secrets = parseSecrets(`edc: ${first}`)
  if (!secrets) throw new Error('these are secrets')
  expect(callbackSecretsOf(secrets, 'other')).toBeUndefined()
  expect(callbackSecretsOf(secrets, null)).toBeUndefined()
})

test.each([
  'edc',
  'edc:',
  'edc: secret',
  `edc: whsec_${Buffer.alloc(23).toString('base64')}`,
  `edc: whsec_${Buffer.alloc(65).toString('base64')}`,
  `edc: ${first} ${first} ${first}`,
  `edc: ${first}\nedc: ${second}`,
  `e d c: ${first}`,
])('%j is refused', (text) => {
  expect(parseSecrets(text)).toBeUndefined()
})
