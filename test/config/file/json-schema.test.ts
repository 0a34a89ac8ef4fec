import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, it } from 'vitest'
import { settingsFileSchema } from '../../../src/config/file/json-schema.ts'

const isSettings = new Ajv2020({ strict: false, validateFormats: false }).compile(settingsFileSchema())

it.each([
  {},
  { http: { port: 9000, allowed_hosts: ['a'] }, janitor: null },
  { s3: { endpoint: 'http://minio:9000', secret_key_file: 'key', access_key: '$KEY' } },
  { policy: { images: 'none', maximum: { memory: '4Gi' } } },
])('an editor accepts %j', (settings) => {
  expect(isSettings(settings)).toBe(true)
})

it.each([
  { htpp: {} },
  { http: { prot: 1 } },
  { http: { port: 70_000 } },
  { log: { level: 'loud' } },
  { policy: { maximum: { image: 1 } } },
])('an editor marks %j', (settings) => {
  expect(isSettings(settings)).toBe(false)
})
