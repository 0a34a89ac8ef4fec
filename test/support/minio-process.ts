import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreAccess } from './bucket.ts'
import { eventually } from './eventually.ts'
import { given } from './test-run.ts'

/** A MinIO of the test's own, as a process on the node's address: pods reach it too, and it can be killed. */
export interface MinioProcess extends StoreAccess, AsyncDisposable {
  /** SIGKILL; its data stays. */
  kill(): Promise<void>
  /** Starts it again on its data and at its address; with other keys, the old ones are refused from then on. */
  start(keys?: { accessKey: string; secretKey: string }): Promise<void>
  close(): Promise<void>
}

/** `folder` holds the data, a temporary one by default. */
export async function startMinioProcess(options: { folder?: string } = {}): Promise<MinioProcess> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'minio-')))
  const host = given('NODE_ADDRESS')
  const port = await freePort(host)
  const endpoint = `http://${host}:${port}`
  let running: ChildProcess | undefined
  const start = async (keys = { accessKey: 'testaccess', secretKey: 'testsecret' }) => {
    const child = spawn('minio', ['server', '--quiet', '--address', `${host}:${port}`, folder], {
      stdio: 'ignore',
      env: { ...process.env, MINIO_ROOT_USER: keys.accessKey, MINIO_ROOT_PASSWORD: keys.secretKey },
    })
    running = child
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`MinIO ended with ${child.exitCode}`)
        const { status } = await fetch(`${endpoint}/minio/health/ready`)
        if (status !== 200) throw new Error(`MinIO answers ${status}`)
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
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  await start()
  return {
    endpoint,
    accessKey: 'testaccess',
    secretKey: 'testsecret',
    kill,
    start,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}
