import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ArtifactStore } from '../../src/store/store.ts'
import { temporaryNamespace } from '../support/cluster/cluster.ts'
import { given } from '../support/cluster/test-run.ts'
import { temporaryBucket, testStore } from '../support/store/bucket.ts'
import { s3Store } from '../support/store/s3-store.ts'

/** The API as its image runs it, on the cluster and with a new bucket. */
export interface ReadingSetup extends AsyncDisposable {
  bucket: string
  /** The same bucket; its presigned URLs lead directly to the store. */
  store: ArtifactStore
  /** Starts the API's bundle; the setup's disposal stops it. */
  startApi(): Promise<BuiltApi>
}

export interface BuiltApi {
  url: string
  pid: number
  /** Seconds from the program's start to its readiness. */
  readySeconds: number
  end(): Promise<void>
}

export async function setUpReading(): Promise<ReadingSetup> {
  const namespace = await temporaryNamespace('bench')
  const bucket = await temporaryBucket()
  const { endpoint, accessKey, secretKey } = testStore()
  const store = s3Store(testStore(), bucket.name, { publicEndpoint: endpoint })
  const running: BuiltApi[] = []
  return {
    bucket: bucket.name,
    store,
    async startApi() {
      const api = await startBuiltApi({
        KUBECONFIG: given('KUBECONFIG'),
        NAMESPACE: namespace.name,
        UPLOADER_IMAGE: process.env.UPLOADER_IMAGE ?? 'localhost/jobferry:dev',
        S3_ENDPOINT: endpoint,
        S3_BUCKET: bucket.name,
        S3_ACCESS_KEY: accessKey,
        S3_SECRET_KEY: secretKey,
      })
      running.push(api)
      return api
    },
    async [Symbol.asyncDispose]() {
      for (const api of running) await api.end()
      await store.close()
      await Promise.all([bucket.remove(), namespace.remove()])
    },
  }
}

async function startBuiltApi(environment: Readonly<Record<string, string>>): Promise<BuiltApi> {
  const start = performance.now()
  const child = spawn(process.execPath, [...apiFlags, 'dist/server.js'], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', MALLOC_ARENA_MAX: '1', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await untilReady(child)
  return {
    url,
    pid: child.pid ?? 0,
    readySeconds: (performance.now() - start) / 1000,
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Node's flags as in the Dockerfile's entrypoint; API_FLAGS overrides them. */
const apiFlags: readonly string[] = (process.env.API_FLAGS ?? '--max-semi-space-size=1')
  .split(' ')
  .filter((flag) => flag !== '')

function untilReady(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the API ended with ${code} before it was ready`)))
    if (!child.stdout) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, url } = JSON.parse(line) as { msg?: string; url?: string }
      if (msg === 'ready' && url !== undefined) resolve(url)
    })
  })
}
