import type { ArtifactStore } from '../artifact/store.ts'
import { Problem } from '../errors.ts'
import type { JobBackend } from '../job/backend.ts'
import { isFinal, type Job } from '../job/job.ts'
import { jobUuid } from '../job/job-uuid.ts'
import type { Stop } from '../job/observation.ts'
import type { Log } from '../log.ts'
import { createDeployment } from './deployment.ts'
import { finish } from './finish.ts'
import { listJobs } from './job-list.ts'
import { jobLog } from './job-log.ts'
import type { Jobs } from './jobs.ts'
import { KeyLock } from './key-lock.ts'
import { LogArchive } from './log-archive.ts'
import { type OpenUploads, purge } from './purge.ts'
import { createRecords, type Records } from './records.ts'
import { guarded } from './store-guard.ts'
import { Tracker } from './tracker.ts'

export interface JobsParts {
  backend: JobBackend
  store: ArtifactStore
  log: Log
  openUploads: OpenUploads
  /** What Idempotency-Keys are unique in. */
  namespace: string
  inputMaxBytes: number
  /** Called once for each job that this process archived. */
  onArchived?(job: Job): void
}

/**
 * Jobs over one backend and one store. `start` begins to follow them, once the backend has been started; `close`
 * ends the following, not the jobs.
 */
export function createJobs(parts: JobsParts): { jobs: Jobs; start(): void; close(): void } {
  const { backend, store, log, openUploads } = parts
  const records = createRecords(store)
  const logs = new LogArchive(backend, store, log)
  const tracker = new Tracker({
    backend,
    store,
    log,
    followLog: (uuid, attempt) => logs.follow(uuid, attempt),
    onForgotten: (uuid) => void logs.drop(uuid),
    async finish(job) {
      await finish({ backend, store, records, logs, openUploads }, job)
      if (!job.assessment.deleted) parts.onArchived?.(job.answer)
    },
  })
  const locks = new KeyLock()

  const jobs: Jobs = {
    async beginDeployment(idempotencyKey) {
      const uuid = jobUuid(parts.namespace, idempotencyKey)
      if (idempotencyKey === undefined) return createDeployment(parts, uuid, undefined, () => {})
      const unlock = await locks.lock(uuid)
      try {
        return createDeployment(parts, uuid, await existingRequest(backend, records, uuid), unlock)
      } catch (error) {
        unlock()
        throw error
      }
    },

    get: (uuid) => currentJob(tracker, records, uuid),

    list: (options) => guarded(() => listJobs(tracker, records, options)),

    async cancel(uuid) {
      const job = await known(tracker, records, uuid)
      if (isFinal(job.state)) return job
      await backend.stop(uuid, stopNow('canceled', 'canceled by request'))
      return known(tracker, records, uuid)
    },

    async remove(uuid) {
      const stop = () => backend.stop(uuid, stopNow('deleted', 'deleted by request'))
      // One that stops is removed once nothing of it writes any more; the decision is written down.
      if (await stop()) return
      // Whoever is about to make a job of this uuid has its inputs in the store already.
      const unlock = await locks.lock(uuid)
      try {
        if (!(await stop())) await guarded(() => purge(store, records, openUploads, uuid))
      } finally {
        unlock()
      }
    },

    log: (uuid, options) => jobLog({ backend, store, records, tracker }, uuid, options),

    async waitForFinal(uuid, milliseconds, signal) {
      const deadline = Date.now() + milliseconds
      for (;;) {
        const job = await currentJob(tracker, records, uuid)
        const left = deadline - Date.now()
        if (!job || isFinal(job.state) || left <= 0 || signal?.aborted) return job
        await nextChange(tracker, uuid, left, signal)
      }
    },

    countByState() {
      const counts = new Map<string, number>()
      for (const { answer } of tracker.list()) counts.set(answer.state, (counts.get(answer.state) ?? 0) + 1)
      return counts
    },
  }

  return {
    jobs,
    start: () => tracker.start(),
    close() {
      tracker.close()
      logs.close()
    },
  }
}

async function currentJob(tracker: Tracker, records: Records, uuid: string): Promise<Job | undefined> {
  const tracked = tracker.get(uuid)
  if (tracked) return tracked.assessment.deleted ? undefined : tracked.answer
  return (await guarded(() => records.read(uuid)))?.job
}

async function known(tracker: Tracker, records: Records, uuid: string): Promise<Job> {
  const job = await currentJob(tracker, records, uuid)
  if (!job) throw new Problem('not-found', `there is no job ${uuid}`)
  return job
}

async function existingRequest(
  backend: JobBackend,
  records: Records,
  uuid: string,
): Promise<string | undefined> {
  const live = backend.get(uuid)
  if (live?.observation.stop?.outcome === 'deleted') {
    throw new Problem('deletion-under-way', `job ${uuid} with this Idempotency-Key is being deleted`, {
      retryAfterSeconds: 5,
    })
  }
  return live?.requestSha256 ?? (await guarded(() => records.read(uuid)))?.request_sha256
}

function stopNow(outcome: Stop['outcome'], message: string): Stop {
  return { outcome, cause: { reason: 'Canceled', message }, at: Date.now() }
}

async function nextChange(
  tracker: Tracker,
  uuid: string,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      end()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    const end = tracker.onChange(uuid, done)
    signal?.addEventListener('abort', done)
  })
}
