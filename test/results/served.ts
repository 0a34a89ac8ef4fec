import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { Writable } from 'node:stream'
import express from 'express'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { Downloads, downloadLimits } from '../../src/http/limits/downloads.ts'
import { resultRoutes } from '../../src/http/routes/result-routes.ts'
import { errorHandler } from '../../src/http/server/error-handler.ts'
import type { Services } from '../../src/http/services.ts'
import type { Job } from '../../src/job/job.ts'
import { type Entry, pathBytes, pathFields } from '../../src/result-format/entry.ts'
import { fileKey } from '../../src/result-format/file-keys.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { LocatedResult } from '../../src/results/locate.ts'
import { createResultOpener } from '../../src/results/open-result.ts'
import { createResults } from '../../src/results/results.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import type { Clock } from '../../src/util/clock.ts'
import { Problem } from '../../src/util/errors.ts'
import { createMetrics } from '../../src/util/metrics.ts'
import { attempt, folderStore, job, putManifest } from '../result-format/fixtures.ts'
import { listenForTest } from '../support/listen.ts'
import { type layouts, packed } from './packed.ts'

export const mtime = '2025-01-02T03:04:05.123456789Z'

/** Puts a file into the store and resolves with its entry. */
export async function putFile(
  store: ArtifactStore,
  path: string | Uint8Array,
  content: string | Uint8Array,
  more: Partial<Entry> = {},
): Promise<Entry> {
  const body = Buffer.from(content)
  const name = Buffer.from(path)
  const key = fileKey(name)
  const { etag } = await store.put(jobKeys.file(job, attempt, key), body)
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

export function linkEntry(path: string, target: string): Entry {
  return { path, type: 'symlink', target }
}

export function folderEntry(path: string): Entry {
  return { path, type: 'directory', mode: '0755' }
}

export interface Served {
  url: string
  logged: string[]
  store: ArtifactStore & { directory: string }
  services: Pick<Services, 'log' | 'metrics'>
}

/** Serves a job's results through the real routes; `faults` wraps the store that the API reads. */
export async function serve(
  make: (store: ArtifactStore) => Promise<Entry[]>,
  options: {
    faults?: (store: ArtifactStore) => ArtifactStore
    publicUrl?: string
    kind?: (typeof layouts)[number]
    /** The job isn't final: there is no manifest. */
    running?: true
    /** Maximum of concurrent downloads. */
    downloads?: number
    clock?: Clock
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
  const shutdown = new AbortController()
  onTestFinished(() => shutdown.abort())
  const services: Services = { log, metrics: createMetrics() } as Partial<Services> as Services
  const results = createResults(
    createResultOpener(options.faults?.(store) ?? store, options.running ? locateSoFar : locate, log, {
      ...options,
      shutdown: shutdown.signal,
    }),
  )
  const downloads = new Downloads(downloadLimits(options.downloads ?? 300, 1))
  const app = express()
  app.disable('x-powered-by')
  app.use(resultRoutes(results, { ...services, downloads }, options))
  app.use(errorHandler(services))
  const url = await listenForTest(createServer(app))
  return { url: `${url}/job/${job}/result`, logged, store, services }
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
  phase: 'failed',
  reason: 'Error',
  message: null,
  exit_code: 1,
  attempt: { number: 1, uid: attempt },
  created_at: '2026-01-01T00:00:00.000Z',
  started_at: null,
  finished_at: null,
  result: { state: 'partial', count: null, bytes: null },
}
