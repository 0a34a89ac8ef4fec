import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

const s3 = { S3_ENDPOINT: 'http://minio:9000', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 's' }
const cluster = { KUBERNETES_SERVICE_HOST: '10.0.0.1', UPLOADER_IMAGE: 'jobferry:1', ...s3 }
const sha256 = 'ab'.repeat(32)

describe('the backend', () => {
  it('is child processes with a folder without settings, with the reasons', () => {
    expect(loadConfig({})).toMatchObject({
      http: { host: '127.0.0.1', port: 8888 },
      backend: 'local',
      local: { allowCommands: false },
      store: { kind: 'folder' },
      because: {
        backend: 'neither KUBECONFIG nor CLUSTER_URL is set and it runs in no pod',
        store: 'S3_ENDPOINT is not set',
      },
    })
  })

  it('keeps results of child processes in S3 with S3_ENDPOINT', () => {
    expect(loadConfig(s3)).toMatchObject({
      backend: 'local',
      store: { kind: 's3', bucket: 'jobferry' },
    })
  })

  it('redirects clients to S3_ENDPOINT, in a pod only to S3_PUBLIC_ENDPOINT', () => {
    const named = { S3_PUBLIC_ENDPOINT: 'https://files.example.org' }
    const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', UPLOADER_IMAGE: 'i', ...s3 }
    expect(loadConfig(s3)).toMatchObject({ store: { publicEndpoint: 'http://minio:9000' } })
    expect(loadConfig(pod).store).toMatchObject({ kind: 's3', publicEndpoint: undefined })
    for (const environment of [s3, pod]) {
      expect(loadConfig({ ...environment, ...named })).toMatchObject({
        store: { endpoint: 'http://minio:9000', publicEndpoint: 'https://files.example.org' },
      })
    }
  })

  it('is Kubernetes with KUBECONFIG, and in a pod', async () => {
    const { KUBERNETES_SERVICE_HOST: _, ...outside } = cluster
    const kubeconfig = join(temporaryFolder(), 'kubeconfig')
    const [contexts, clusters] = [
      [{ name: 'a', context: { cluster: 'c' } }],
      [{ name: 'c', cluster: { server: 'x' } }],
    ]
    await writeFile(kubeconfig, JSON.stringify({ 'current-context': 'a', contexts, clusters }))
    expect(loadConfig({ ...outside, KUBECONFIG: kubeconfig })).toMatchObject({
      ...{ backend: 'kubernetes', kubernetes: { kubeconfig } },
    })
    expect(loadConfig(cluster)).toMatchObject({
      kubernetes: { uploaderImage: 'jobferry:1' },
      because: { backend: 'it runs in a pod' },
    })
  })

  it("gives pods the API's own key without S3_UPLOADER_ACCESS_KEY", () => {
    expect(loadConfig(cluster).store).toMatchObject({
      ...{ accessKey: 'a', secretKey: 's' },
      ...{ uploaderAccessKey: 'a', uploaderSecretKey: 's' },
    })
    const own = { S3_UPLOADER_ACCESS_KEY: 'ua', S3_UPLOADER_SECRET_KEY: 'us' }
    expect(loadConfig({ ...cluster, ...own }).store).toMatchObject({
      ...{ accessKey: 'a', secretKey: 's' },
      ...{ uploaderAccessKey: 'ua', uploaderSecretKey: 'us' },
    })
  })
})

it.each<[string, Record<string, string>, RegExp]>([
  [
    'a store with no certificate',
    { ...s3, S3_CA: 'x' },
    /^settings: S3_CA: has no certificate; expected PEM/,
  ],
  [
    'a certificate that is cut short',
    { ...s3, S3_CA: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    /S3_CA: its certificate 1 can't be read; expected X.509 in PEM/,
  ],
  [
    'a file without a reader',
    { ...s3, S3_CA_FILE: '/no/file' },
    /S3_CA_FILE: .*no such file.*expected a readable file/,
  ],
  [
    'a certificate of a store that is reached without TLS',
    { ...s3, S3_CA: rootCertificates[0] ?? '' },
    /S3_CA: no address of the store is https; expected S3_ENDPOINT with https/,
  ],
  [
    'all that a system trusts, which no variable of a pod can hold',
    { ...s3, S3_ENDPOINT: 'https://minio', S3_CA: rootCertificates.join('\n') },
    /S3_CA: has \d+ bytes; expected at most 65536/,
  ],
  [
    'a cluster without a store',
    { KUBERNETES_SERVICE_HOST: '10.0.0.1', UPLOADER_IMAGE: 'i' },
    /S3_ENDPOINT: missing/,
  ],
  [
    'a cluster without an uploader image',
    { KUBERNETES_SERVICE_HOST: '10.0.0.1', ...s3 },
    /UPLOADER_IMAGE: missing/,
  ],
  [
    'a kubeconfig that is not there, together with all else that is missing',
    { KUBECONFIG: '/no/file' },
    /KUBECONFIG \/no\/file: ENOENT.*; UPLOADER_IMAGE: missing.*; S3_ENDPOINT: missing/,
  ],
  [
    'a cluster by its address without a token',
    { CLUSTER_URL: 'https://cluster:6443', UPLOADER_IMAGE: 'i', ...s3 },
    /CLUSTER_TOKEN: missing; expected the token of a ServiceAccount/,
  ],
  [
    'a cluster by its address and by a kubeconfig',
    { CLUSTER_URL: 'https://cluster:6443', CLUSTER_TOKEN: 't', KUBECONFIG: '/no/file' },
    /CLUSTER_URL: is set beside KUBECONFIG; expected one of both/,
  ],
  [
    'a token of a cluster that is nowhere',
    { CLUSTER_TOKEN: 't', ...cluster },
    /CLUSTER_URL: missing; expected with CLUSTER_TOKEN/,
  ],
  [
    'an authority that is not to be asked',
    {
      ...{ CLUSTER_URL: 'https://cluster:6443', CLUSTER_TOKEN: 't', UPLOADER_IMAGE: 'i', ...s3 },
      ...{ CLUSTER_CA: rootCertificates[0] ?? '', CLUSTER_VERIFY: '0' },
    },
    /CLUSTER_VERIFY: is 0 beside CLUSTER_CA/,
  ],
  [
    'a key for each job and one for all',
    {
      ...cluster,
      ...{ S3_UPLOADER_CREDENTIALS: 'job', S3_UPLOADER_ACCESS_KEY: 'u', S3_UPLOADER_SECRET_KEY: 's' },
    },
    /S3_UPLOADER_CREDENTIALS: is job; expected shared with S3_UPLOADER_ACCESS_KEY/,
  ],
  ['half a key for the pods', { ...cluster, S3_UPLOADER_ACCESS_KEY: 'x' }, /S3_UPLOADER_ACCESS_KEY/],
  [
    'an endpoint without keys',
    { S3_ENDPOINT: 'http://minio:9000' },
    /S3_ACCESS_KEY: missing.*S3_SECRET_KEY: missing/,
  ],
  [
    'a public endpoint with a path',
    { ...s3, S3_PUBLIC_ENDPOINT: 'https://example.org/s3' },
    /S3_PUBLIC_ENDPOINT: expected scheme, host and port alone/,
  ],
  [
    'a public address without a scheme',
    { ...s3, S3_PUBLIC_ENDPOINT: 'store' },
    /S3_PUBLIC_ENDPOINT: expected an http/,
  ],
  [
    'a store below a path',
    { ...s3, S3_ENDPOINT: 'https://example.org/s3' },
    /S3_ENDPOINT: expected scheme, host and port alone/,
  ],
  [
    'a store with a key in its address',
    { ...s3, S3_ENDPOINT_FOR_PODS: 'http://key:secret@example.org' },
    /S3_ENDPOINT_FOR_PODS: expected scheme, host and port alone/,
  ],
  ['an endpoint that is no address', { ...s3, S3_ENDPOINT: 'minio:9000' }, /S3_ENDPOINT/],
  ['the embedded backend on all addresses', { HOST: '0.0.0.0' }, /HOST: 0\.0\.0\.0 is no loopback address/],
  [
    'the embedded backend on all addresses for everyone',
    { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: '1' },
    /HOST: 0\.0\.0\.0 is no loopback address/,
  ],
  ['a cluster for everyone by accident', { ...cluster, HOST: '0.0.0.0' }, /API_TOKENS/],
  ['a port that is no number', { PORT: 'http' }, /PORT/],
  ['a token in plain text', { API_TOKENS: 'alice:secret' }, /API_TOKENS/],
  ['a namespace that Kubernetes refuses', { ...cluster, NAMESPACE: 'Team A' }, /NAMESPACE/],
  ['a bucket that S3 refuses', { ...s3, S3_BUCKET: 'My_Bucket' }, /S3_BUCKET/],
  ['a prefix with empty components', { ...s3, S3_PREFIX: 'a//b/' }, /S3_PREFIX/],
  ['a prefix that leaves no room for keys', { ...s3, S3_PREFIX: 'a'.repeat(39) }, /S3_PREFIX/],
  ['a switch that is neither on nor off', { LOCAL_ALLOW_COMMANDS: 'perhaps' }, /LOCAL_ALLOW_COMMANDS/],
  [
    'a secret file that is not there',
    { ...s3, S3_SECRET_KEY: '', S3_SECRET_KEY_FILE: '/no' },
    /S3_SECRET_KEY_FILE/,
  ],
])('refuses %s, naming the setting', (_, environment, message) => {
  expect(() => loadConfig(environment)).toThrow(message)
})

it('never shows a secret in its errors', () => {
  const refused = () =>
    loadConfig({ API_TOKENS: 'alice:open-sesame', S3_SECRET_KEY: 'hush', S3_ENDPOINT: 'nowhere' })
  expect(refused).toThrow()
  expect(refused).not.toThrow(/open-sesame|hush/)
})

it('reads a line for each token', () => {
  const API_TOKENS = `alice:${sha256}\n\n bob:${sha256} \n`
  expect(loadConfig({ API_TOKENS }).auth.tokens).toEqual([
    { name: 'alice', sha256 },
    { name: 'bob', sha256 },
  ])
})

it('lets callers with tokens reach a cluster from anywhere', () => {
  const config = loadConfig({ ...cluster, HOST: '0.0.0.0', API_TOKENS: `alice:${sha256}` })
  expect(config).toMatchObject({ http: { host: '0.0.0.0' }, auth: { allowUnauthenticated: false } })
})

it('reads secrets from files', async () => {
  const directory = temporaryFolder()
  const file = join(directory, 'secret')
  await writeFile(file, 'from-file\n')
  expect(loadConfig({ ...s3, S3_SECRET_KEY: '', S3_SECRET_KEY_FILE: file }).store).toMatchObject({
    secretKey: 'from-file',
  })
})
