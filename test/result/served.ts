import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import express from 'express'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { type Entry, pathBytes, pathFields } from '../../src/artifact/entry.ts'
import { fileKey } from '../../src/artifact/keys.ts'
import { layout } from '../../src/artifact/layout.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import { Problem } from '../../src/errors.ts'
import { Downloads } from '../../src/http/downloads.ts'
import { errorHandler } from '../../src/http/error-handler.ts'
import { defaultLimits } from '../../src/http/limits.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { resultRoutes } from '../../src/http/result.ts'
import type { Services } from '../../src/http/services.ts'
import type { Job } from '../../src/job/job.ts'
import type { LocatedResult } from '../../src/result/locate.ts'
import { createResults } from '../../src/result/results.ts'
import { attempt, folderStore, job, putManifest } from '../artifact/fixtures.ts'
import { type layouts, packed } from './packed.ts'

export const mtime = '2025-01-02T03:04:05.123456789Z'

/** Puts a file into the store and gives its entry. */
export async function putFile(
  store: ArtifactStore,
  path: string | Uint8Array,
  content: string | Uint8Array,
  more: Partial<Entry> = {},
): Promise<Entry> {
  const body = Buffer.from(content)
  const name = Buffer.from(path)
  const key = fileKey(name)
  const { etag } = await store.put(layout.file(job, attempt, key), body)
  const sha256 = createHash('sha256').update(body).digest('hex')
  return {
    ...pathFields(name),
    type: 'file',
    size: body.length,
    mode: '0644',
    mtime,
    sha256,
    key,
    etag,
    ...more,
  }
}

export interface Served {
  url: string
  logged: string[]
  store: ArtifactStore & { directory: string }
  services: Pick<Services, 'log' | 'metrics'>
}

/** A job's results behind the real routes; `faults` comes between the API and the store. */
export async function serve(
  make: (store: ArtifactStore) => Promise<Entry[]>,
  options: {
    faults?: (store: ArtifactStore) => ArtifactStore
    publicUrl?: string
    kind?: (typeof layouts)[number]
    /** The job isn't final: there is no manifest. */
    running?: true
    /** Results that are sent at once. */
    downloads?: number
  } = {},
): Promise<Served> {
  const store = await folderStore()
  const entries = await make(store)
  entries.sort((a, b) => Buffer.compare(pathBytes(a), pathBytes(b)))
  if (!options.running)
    await putManifest(store, options.kind === 'packed' ? await packed(store, entries) : entries)

  const logged: string[] = []
  const log = pino(
    { level: 'warn' },
    new Writable({
      write(line, _encoding, done) {
        logged.push(String(line))
        done()
      },
    }),
  )
  const services: Services = { log, metrics: createMetrics(() => new Map()) } as Partial<Services> as Services
  const results = createResults(options.faults?.(store) ?? store, options.running ? locateSoFar : locate, log)
  const downloads = new Downloads(options.downloads ?? defaultLimits.downloads)
  const app = express()
  app.use(resultRoutes(results, { ...services, downloads }, options))
  app.use(errorHandler(services))
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/job/${job}/result`, logged, store, services }
}

async function locate(uuid: string) {
  if (uuid !== job) throw new Problem('not-found', `There is no job ${uuid}`)
  return { job: theJob, attempt, state: 'partial' } as const
}

async function locateSoFar(uuid: string, soFar = false): Promise<LocatedResult> {
  if (!soFar) throw new Problem('not-final', `job ${uuid} is running`, { retryAfterSeconds: 5 })
  return { job: { ...theJob, state: 'running' }, attempt, state: 'provisional' }
}

const theJob: Job = {
  job_uuid: job,
  job: null,
  state: 'failed',
  reason: 'Error',
  message: null,
  exit_code: 1,
  attempt: { number: 1, uid: attempt },
  created_at: '2026-01-01T00:00:00.000Z',
  started_at: null,
  finished_at: null,
  result: { state: 'partial', count: null, bytes: null },
}
