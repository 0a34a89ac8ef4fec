import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../src/config/config.ts'
import { start } from '../src/server.ts'
import { createLog } from '../src/util/log.ts'
import { temporaryFolder } from './support/files/temporary-folder.ts'
import { freePort } from './support/free-port.ts'
import { temporaryBucket } from './support/store/bucket.ts'
import { type RunningMinio, startMinio } from './support/store/minio.ts'
import { eventually } from './support/time/eventually.ts'

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

it('can be stopped while it waits for a cluster that does not answer', async () => {
  const folder = temporaryFolder()
  await using bucket = await temporaryBucket(minio)
  const kubeconfig = join(folder, 'kubeconfig')
  const port = await freePort()
  await writeFile(kubeconfig, JSON.stringify(unreachable))
  const config = loadConfig({
    PORT: String(port),
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
  await eventually(async () => {
    const { status, body } = await getStatus(`http://127.0.0.1:${port}/health/ready`)
    expect(status).toBe(503)
    expect(body.missing).not.toEqual([])
  })
  const reason = new Error('SIGTERM')
  stopping.abort(reason)
  expect(await Promise.race([outcome, sleep(15_000, 'hangs')])).toBe(reason)
})

async function getStatus(url: string): Promise<{ status: number; body: { missing?: string[] } }> {
  const response = await fetch(url)
  return { status: response.status, body: (await response.json()) as { missing?: string[] } }
}

const unreachable = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'gone',
  clusters: [{ name: 'gone', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'nobody', user: {} }],
  contexts: [{ name: 'gone', context: { cluster: 'gone', user: 'nobody' } }],
}
