import type { ArtifactStore } from '../artifact/store.ts'
import { within } from '../artifact/timers.ts'
import { Problem } from '../errors.ts'
import type { JobBackend } from '../job/backend.ts'
import { isFinal, type Job } from '../job/job.ts'
import { jobUuid } from '../job/job-uuid.ts'
import type { Stop } from '../job/observation.ts'
import type { Log } from '../log.ts'
import { currentJob, knownJob, waitForFinal } from './current-job.ts'
import { createDeployment } from './deployment.ts'
import type { TellEnd } from './endings.ts'
import { finish, untilFollowed } from './finish.ts'
import { type JanitorSettings, startJanitor } from './janitor.ts'
import { listJobs } from './job-list.ts'
import { jobLog } from './job-log.ts'
import type { Deployment, Jobs } from './jobs.ts'
import { KeyLock } from './key-lock.ts'
import { LogArchive } from './log-archive.ts'
import { type OpenUploads, purge } from './purge.ts'
import { createRecords, type Records } from './records.ts'
import { guarded } from './store-guard.ts'
import { Tracker } from './tracker.ts'
import { watchJobs } from './watch-jobs.ts'

export interface JobsParts {
  backend: JobBackend
  store: ArtifactStore
  log: Log
  openUploads: OpenUploads
  /** What Idempotency-Keys are unique in. */
  namespace: string
  inputMaxBytes: number
  /** Absent: nothing is removed without being asked for. */
  janitor?: JanitorSettings
  /** Tells who waits for a job that it has ended, within milliseconds of that; called again after a rejection. */
  tellEnd?: TellEnd
  /** Called once for each job that this process archived. */
  onArchived?(job: Job): void
  /** Called once for each deleted job that this process let go before it was archived. */
  onGivenUp?(): void
}

/**
 * Jobs over one backend and one store. `start` begins to follow them, once the backend has been started; `close`
 * ends the following, not the jobs, and lets what is being finished end, for 5 s at most: it can be begun again.
 */
export function createJobs(parts: JobsParts): { jobs: Jobs; start(): void; close(): Promise<void> } {
  const { backend, store, log, openUploads } = parts
  const records = createRecords(store)
  const logs = new LogArchive(backend, store, log)
  const locks = new KeyLock()
  const tracker = new Tracker({
    backend,
    store,
    log,
    followLog: (uuid, attempt) => logs.follow(uuid, attempt),
    onForgotten: (uuid) => void logs.drop(uuid),
    onGivenUp: () => parts.onGivenUp?.(),
    ...(parts.tellEnd && { tellEnd: parts.tellEnd }),
    untilFollowed: (job) => untilFollowed(logs, job),
    async finish(job, isTold) {
      await finish({ backend, store, records, logs, openUploads, isTold }, job)
      if (!job.assessment.deleted) parts.onArchived?.(job.answer)
    },
  })
  const { janitor } = parts
  let endJanitor: (() => void) | undefined
  return {
    jobs: jobsOver({ ...parts, records, locks, tracker }),
    start() {
      tracker.start()
      if (janitor === undefined) return
      const { rules, intervalSeconds } = janitor
      endJanitor = startJanitor({ backend, store, records, locks, openUploads, rules, log }, intervalSeconds)
    },
    async close() {
      endJanitor?.()
      await within(5000, Promise.all([logs.close(), tracker.close()]))
    },
  }
}

interface AllParts extends JobsParts {
  records: Records
  locks: KeyLock
  tracker: Tracker
}

function jobsOver(parts: AllParts): Jobs {
  const { backend, store, records, tracker } = parts
  return {
    beginDeployment: (idempotencyKey) => beginDeployment(parts, idempotencyKey),

    get: (uuid) => currentJob(tracker, records, uuid),

    list: (options) => guarded(() => listJobs(tracker, records, options)),

    async cancel(uuid) {
      const job = await knownJob(tracker, records, uuid)
      if (isFinal(job.state)) return job
      await backend.stop(uuid, stopNow('canceled', 'canceled by request'))
      return knownJob(tracker, records, uuid)
    },

    remove: (uuid) => remove(parts, uuid),

    log: (uuid, options) => jobLog({ backend, store, records, tracker }, uuid, options),

    waitForFinal: (uuid, milliseconds, signal) =>
      waitForFinal(tracker, records, uuid, { milliseconds, signal }),

    watch: (listener) => watchJobs(parts, listener),

    countByState() {
      const counts = new Map<string, number>()
      for (const { answer } of tracker.list()) counts.set(answer.state, (counts.get(answer.state) ?? 0) + 1)
      return counts
    },
  }
}

async function beginDeployment(parts: AllParts, idempotencyKey?: string): Promise<Deployment> {
  const { backend, records, locks } = parts
  const uuid = jobUuid(parts.namespace, idempotencyKey)
  const unlock = await locks.lock(uuid)
  try {
    const existing = idempotencyKey === undefined ? undefined : await existingRequest(backend, records, uuid)
    return createDeployment(parts, uuid, existing, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

async function remove(parts: AllParts, uuid: string): Promise<void> {
  const { backend, store, records, locks, openUploads, tracker } = parts
  const stop = () => backend.stop(uuid, stopNow('deleted', 'deleted by request'))
  // One that stops is removed once nothing of it writes any more; the decision is written down.
  if (await stop()) return
  // Whoever is about to make a job of this uuid has its inputs in the store already.
  const unlock = await locks.lock(uuid)
  try {
    if (await stop()) return
    // Else its record would be written after its removal.
    await tracker.dropGivenUp(uuid)
    await guarded(() => purge(store, records, openUploads, uuid))
  } finally {
    unlock()
  }
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
