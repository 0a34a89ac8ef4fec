import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../../src/config/config.ts'
import { quietRemoval } from '../../src/job/removal.ts'
import { createLog } from '../../src/util/log.ts'
import { createBackend } from '../../src/wiring/backends.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'
import { type RunningMinio, startMinio } from '../support/store/minio.ts'

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

it('a store that makes no key for a job ends the start with the setting’s name', async () => {
  const refused = createBackend(configWith('a wrong secret'), createLog('test', 'silent'), quietRemoval)
  await expect(refused).rejects.toBeInstanceOf(ConfigError)
  await expect(refused).rejects.toThrow(/S3_UPLOADER_CREDENTIALS: is job, but the store makes no access key/)
})

it('a store that makes keys for jobs lets the API start', async () => {
  const { backend } = await createBackend(
    configWith(minio.secretKey),
    createLog('test', 'silent'),
    quietRemoval,
  )
  await backend.close()
})

function configWith(secretKey: string) {
  const kubeconfig = join(temporaryFolder(), 'kubeconfig')
  writeFileSync(kubeconfig, JSON.stringify(nobodysCluster))
  return loadConfig({
    KUBECONFIG: kubeconfig,
    UPLOADER_IMAGE: 'image',
    S3_ENDPOINT: minio.endpoint,
    S3_ACCESS_KEY: minio.accessKey,
    S3_SECRET_KEY: secretKey,
    S3_UPLOADER_CREDENTIALS: 'job',
  })
}

/** Not called before the backend's start. */
const nobodysCluster = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'u', user: {} }],
  contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'x',
}
