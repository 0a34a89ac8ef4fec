import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, test } from 'vitest'
import { loadConfig } from '../../../src/config/config.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const digest = 'a'.repeat(64)

it('gives each setting by its group and name, as plain values, lists, mappings and files', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'tokens'), `alice:${digest}\n`)
  const file = settingsFile(
    `http: {port: 9000, allowed_hosts: [a.example.org, b.example.org]}
auth: {tokens_file: tokens, allow_unauthenticated: false}
jobs: {directory: jobs}
s3: {endpoint: http://minio:9000, access_key: $STORE_KEY, secret_key: "\${STORE_SECRET}", sign_parts: true}
signaling: {authorization: {type: oauth2}}
`,
    folder,
  )
  const config = loadConfig({ SETTINGS_FILE: file, STORE_KEY: 'key', STORE_SECRET: 'hush' })
  expect(config).toMatchObject({
    settingsFile: file,
    files: [file, join(folder, 'tokens')],
    http: { port: 9000, allowedHosts: ['a.example.org', 'b.example.org'] },
    auth: { tokens: [{ name: 'alice', sha256: digest }], allowUnauthenticated: false },
    jobs: { directory: join(folder, 'jobs') },
    store: { kind: 's3', accessKey: 'key', secretKey: 'hush', signParts: true },
    signaling: { authorization: { type: 'oauth2' } },
  })
})

it('yields to the environment, and empty values count as absent', () => {
  const SETTINGS_FILE = settingsFile('http: {port: 9000, host: }\nlocal: {max_running: 3}\njanitor:\n')
  expect(loadConfig({ SETTINGS_FILE, PORT: '9001' })).toMatchObject({
    http: { port: 9001, host: '127.0.0.1' },
    local: { maxRunning: 3 },
  })
})

it('may have the keys of the policy, which POLICY_FILE replaces', () => {
  const SETTINGS_FILE = settingsFile('policy: {images: [registry.example.org/*], live_jobs_per_token: 5}\n')
  expect(loadConfig({ SETTINGS_FILE }).policy).toMatchObject({ live_jobs_per_token: 5 })
  const POLICY_FILE = settingsFile('images: none\n')
  expect(loadConfig({ SETTINGS_FILE, POLICY_FILE }).policy).toMatchObject({ images: [] })
})

test.each([
  ['htpp: {port: 1}', 'htpp: is no group of settings; expected http (one of http, '],
  ['s3: {endpont: http://minio}', 's3.endpont: is no setting; expected endpoint (one of endpoint, '],
  ['s3: {endpoint: nowhere}', 's3.endpoint: expected'],
  ['http: {port: 70000}', 'http.port: expected at most 65535'],
  ['http: {port: [1, 2]}', 'http.port: is a list; expected one value'],
  ['http: {allowed_hosts: {a: b}}', 'http.allowed_hosts: is a mapping; expected a list'],
  ['http: {allowed_hosts: ["a,b"]}', 'http.allowed_hosts: its item 1 is no plain value'],
  ['http: 9000', 'http: is no mapping; expected names of settings'],
  ['- http', 'is no mapping; expected groups like "http:"'],
  ['http: {port: 1}\nhttp: {port: 2}', 'Map keys must be unique at line 2'],
  ['log: {level: $LEVEL}', 'log.level: names the variable LEVEL, which secrets alone may do'],
  ['s3: {secret_key: $NOT_SET}', 's3.secret_key: the environment variable NOT_SET is not set'],
  ['s3: {secret_key_file: /nowhere}', 's3.secret_key_file: ENOENT'],
  ['s3: {secret_key: a, secret_key_file: b}', 's3.secret_key_file: ENOENT'],
  ['policy: {image: none}', 'policy.image: is no setting; expected images (one of file, images'],
  ['policy: {images: 5}', 'policy: images'],
  ['policy: {images: none, file: policy.yaml}', 'policy.file: is given beside keys of a policy'],
])('%j is refused, and names the file, the key and what is right', (text, problem) => {
  const SETTINGS_FILE = settingsFile(text)
  const message = messageOf(() => loadConfig({ SETTINGS_FILE }))
  expect(message).toContain(`${SETTINGS_FILE}: `)
  expect(message).toContain(problem)
})

it('names all problems at once, those of the environment too', () => {
  const SETTINGS_FILE = settingsFile('http: {port: x}\ns3: {endpont: y}\n')
  const message = messageOf(() => loadConfig({ SETTINGS_FILE, S3_ENDPONT: 'z', SHUTDOWN_SECONDS: 'w' }))
  for (const part of ['http.port: ', 's3.endpont: ', 'S3_ENDPONT: ', 'SHUTDOWN_SECONDS: '])
    expect(message).toContain(part)
})

it('has to be there if SETTINGS_FILE names it', () => {
  expect(() => loadConfig({ SETTINGS_FILE: '/nowhere.yaml' })).toThrow(
    'SETTINGS_FILE /nowhere.yaml: ENOENT: no such file or directory',
  )
})

function settingsFile(text: string, folder = temporaryFolder()): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'jobferry.yaml')
  writeFileSync(file, text)
  return file
}

function messageOf(load: () => unknown): string {
  try {
    load()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
