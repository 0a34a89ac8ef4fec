import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'

const key = '0'.repeat(64)
const s3 = { S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 'b' }

test('no setting is needed, and tokens are valid for a day', () => {
  expect(loadConfig({})).toMatchObject({
    grants: { seconds: 86_400 },
    auth: { provisionTokens: [] },
    edc: { callbackUrls: [] },
    datasets: {},
  })
  expect(loadConfig({}).datasets.file).toBeUndefined()
})

test('connectors are called as EDC_… says', () => {
  const config = loadConfig({
    DATASETS_FILE: '/etc/datasets.yaml',
    PROVISION_TOKENS: `edc:${key}`,
    EDC_CALLBACK_URLS: 'http://a/callback, https://b',
    EDC_API_KEY: 'one',
    EDC_MANAGEMENT_URL: 'http://a/management/',
    GRANT_SECONDS: '60',
  })
  expect(config).toMatchObject({
    datasets: { file: '/etc/datasets.yaml' },
    grants: { seconds: 60 },
    auth: { provisionTokens: [{ name: 'edc', sha256: key }] },
    edc: {
      ...{ callbackUrls: ['http://a/callback', 'https://b'], apiKey: 'one' },
      ...{ managementUrl: 'http://a/management', managementApiKey: 'one' },
    },
  })
})

test.each([
  ['https://s3.eu-central-1.amazonaws.com', 'session'],
  ['https://bucket.s3.amazonaws.com.cn/', 'session'],
  ['http://minio:9000', 'access-key'],
])('keys for objects of %s are of the kind %s', (endpoint, credentials) => {
  expect(loadConfig({ ...s3, S3_ENDPOINT: endpoint }).store).toMatchObject({ readerCredentials: credentials })
})

test.each([
  [{ EDC_API_KEY: 'one' }, 'EDC_CALLBACK_URLS: missing; expected where the key of EDC_API_KEY may be sent'],
  [{ EDC_CALLBACK_URLS: 'connector:80' }, 'EDC_CALLBACK_URLS: expected http:// or https:// addresses'],
  [{ EDC_MANAGEMENT_URL: 'ftp://a' }, 'EDC_MANAGEMENT_URL'],
  [{ PROVISION_TOKENS: 'plain' }, 'PROVISION_TOKENS: expected lines of <name>:<SHA-256'],
  [
    { SIGNALING_PROFILES: 'HttpData-PULL, HttpData-PUSH' },
    'SIGNALING_PROFILES: HttpData-PUSH is a profile by which data are pushed',
  ],
  [
    { SIGNALING_PROFILES: 'https://w3id.org/dspace-sig/profile/http-push/' },
    'expected profiles like https://w3id.org/dspace-sig/profile/http-pull',
  ],
  [{ GRANT_SECONDS: '0' }, 'GRANT_SECONDS: expected at least 1'],
  [{ S3_READER_CREDENTIALS: 'root' }, 'S3_READER_CREDENTIALS: expected access-key or session'],
])('%o is refused at start', (environment, message) => {
  expect(() => loadConfig(environment)).toThrow(message)
})
