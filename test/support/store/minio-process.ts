import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { defined } from '../../../src/util/objects.ts'
import { given } from '../cluster/test-run.ts'
import { freePort } from '../free-port.ts'
import { eventually } from '../time/eventually.ts'
import type { StoreAccess } from './bucket.ts'
import type { PrivateCa } from './private-ca.ts'

/** A test's own MinIO process on the node's address: pods reach it, and the test can kill it. */
export interface MinioProcess extends StoreAccess, AsyncDisposable {
  /** Sends SIGKILL; the data stays. */
  kill(): Promise<void>
  /** Starts MinIO again with its data and address; with other keys it refuses the old ones. */
  start(keys?: { accessKey: string; secretKey: string }): Promise<void>
  close(): Promise<void>
}

export interface MinioProcessOptions {
  /** The data folder, a temporary folder by default. */
  folder?: string
  /** Serves HTTPS with the certificate of this authority. */
  tls?: PrivateCa
}

export async function startMinioProcess(options: MinioProcessOptions = {}): Promise<MinioProcess> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'minio-')))
  const host = given('NODE_ADDRESS')
  const port = await freePort(host)
  const { tls } = options
  const endpoint = `${tls === undefined ? 'http' : 'https'}://${host}:${port}`
  const certificates = tls === undefined ? [] : ['--certs-dir', tls.folder]
  const dispatcher = new Agent(tls === undefined ? {} : { connect: { ca: tls.pem } })
  let running: ChildProcess | undefined
  const start = async (keys = { accessKey: 'testaccess', secretKey: 'testsecret' }) => {
    const child = spawn(
      'minio',
      ['server', '--quiet', ...certificates, '--address', `${host}:${port}`, folder],
      {
        stdio: 'ignore',
        env: { ...process.env, MINIO_ROOT_USER: keys.accessKey, MINIO_ROOT_PASSWORD: keys.secretKey },
      },
    )
    running = child
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`MinIO ended with ${child.exitCode}`)
        const answer = await request(`${endpoint}/minio/health/ready`, { dispatcher })
        await answer.body.dump()
        if (answer.statusCode !== 200) throw new Error(`MinIO answers ${answer.statusCode}`)
      },
      { within: 30_000 },
    )
  }
  const kill = async () => {
    const child = running
    running = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  const close = async () => {
    await kill()
    await dispatcher.close()
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  await start()
  return {
    endpoint,
    accessKey: 'testaccess',
    secretKey: 'testsecret',
    ...defined({ ca: tls?.pem }),
    kill,
    start,
    close,
    [Symbol.asyncDispose]: close,
  }
}
