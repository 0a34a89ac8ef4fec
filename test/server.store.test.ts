import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { createLog } from '../src/log.ts'
import { start } from '../src/server.ts'
import { temporaryFolder } from './local/setup.ts'
import { temporaryBucket } from './support/bucket.ts'
import { type RunningMinio, startMinio } from './support/minio.ts'

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

it('can be stopped while it waits for a cluster that does not answer', async () => {
  const folder = await temporaryFolder()
  await using bucket = await temporaryBucket(minio)
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, JSON.stringify(unreachable))
  const config = loadConfig({
    PORT: '0',
    JOBS_DIRECTORY: folder,
    KUBECONFIG: kubeconfig,
    UPLOADER_IMAGE: 'example/image',
    S3_ENDPOINT: minio.endpoint,
    S3_BUCKET: bucket.name,
    S3_ACCESS_KEY: minio.accessKey,
    S3_SECRET_KEY: minio.secretKey,
  })
  const stopping = new AbortController()
  const outcome = start(config, createLog('test', 'silent'), stopping.signal).then(
    () => 'started',
    (error: unknown) => error,
  )
  expect(await Promise.race([outcome, sleep(2000, 'waits')])).toBe('waits')
  const reason = new Error('SIGTERM')
  stopping.abort(reason)
  expect(await Promise.race([outcome, sleep(15_000, 'hangs')])).toBe(reason)
})

const unreachable = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'gone',
  clusters: [{ name: 'gone', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'nobody', user: {} }],
  contexts: [{ name: 'gone', context: { cluster: 'gone', user: 'nobody' } }],
}
