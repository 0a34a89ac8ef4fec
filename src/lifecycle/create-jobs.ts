import type { JobBackend } from '../job/backend.ts'
import { type Job, states } from '../job/job.ts'
import type { Leadership } from '../job/leadership.ts'
import type { JobRequest } from '../job/request/request.ts'
import type { ArtifactStore } from '../store/store.ts'
import { KeyedMutex } from '../util/keyed-mutex.ts'
import type { Log } from '../util/log.ts'
import type { Metrics } from '../util/metrics.ts'
import { within } from '../util/timers.ts'
import { archiveJob, removeJob, untilFollowed } from './archive/archive-job.ts'
import { jobLog } from './archive/job-log.ts'
import { LogArchive } from './archive/log-archive.ts'
import type { OpenUploads } from './archive/purge.ts'
import { beginDeployment } from './begin-deployment.ts'
import { currentJob, waitForFinal } from './current-job.ts'
import { DeliveryLoop } from './deliveries/deliver-rounds.ts'
import { orderDelivery } from './deliveries/order-delivery.ts'
import { repeatDelivery } from './deliveries/repeat-delivery.ts'
import { withDeliveries } from './deliveries/show-deliveries.ts'
import { findRestart } from './deploy/again/find-restart.ts'
import type { SourceRules } from './deploy/input-sources.ts'
import { createLiveJobLimit, type LiveJobLimit } from './deploy/live-job-limit.ts'
import { createPreview } from './deploy/preview.ts'
import { detailedJob } from './detailed-job.ts'
import { actOnJobs } from './finding/act-on-jobs.ts'
import { findJobs } from './finding/find-jobs.ts'
import { FinishedJobs } from './finding/finished-jobs.ts'
import { latestResult } from './finding/latest-result.ts'
import { type JanitorSettings, startJanitor } from './janitor/janitor.ts'
import { listJobs } from './job-list.ts'
import type { Jobs } from './jobs.ts'
import { createRecords, type Records } from './records/records.ts'
import { cancelJob, stopOrPurge } from './stop-job.ts'
import { storedJob } from './stored-job.ts'
import { Tracker } from './tracking/tracker.ts'
import { watchJobs } from './tracking/watch-jobs.ts'
import { translateStoreErrors } from './translate-store-errors.ts'
import { createShelves, type Shelves } from './uploads/shelves.ts'
import { createUploads, type Uploads } from './uploads/uploads.ts'

export interface JobsParts {
  backend: JobBackend
  leadership: Leadership
  store: ArtifactStore
  log: Log
  openUploads: OpenUploads
  /** The scope in which Idempotency-Keys are unique. */
  namespace: string
  inputMaxBytes: number
  inputSources: SourceRules
  /** Most uploads that one caller keeps. */
  uploadsMax: number
  /** Maximum of the live jobs of one token now; undefined: none. */
  liveJobsPerToken?: () => number | undefined
  /** Absent: there is no janitor. */
  janitor?: JanitorSettings
  /**
   * Notifies a job's consumers of its end, within milliseconds of that; called again after a
   * rejection.
   */
  notifyEnd?(job: Job): Promise<void>
  metrics: Metrics
}

export interface FollowedJobs {
  jobs: Jobs
  uploads: Uploads
  start(): void
  close(): Promise<void>
}

/**
 * Jobs over one backend and one store. `start` begins to follow them; the backend has been started.
 * `close` ends the following, not the jobs, after 5 s at most: what is being archived then is
 * archived again after a restart.
 */
export function createJobs(parts: JobsParts): FollowedJobs {
  const { backend, leadership, store, log, openUploads, metrics } = parts
  const records = createRecords(store, () => finished)
  const finished = new FinishedJobs({ store, records, log, isLeader: () => leadership.isLeader() })
  const logs = new LogArchive(backend, store, log)
  const locks = new KeyedMutex()
  const shelves = createShelves(store)
  const order = (job: Job, request: JobRequest) => orderDelivery(parts, job, request, 1)
  const archiveParts = { backend, store, records, logs, openUploads, orderDelivery: order }
  const tracker: Tracker = new Tracker({
    backend,
    leadership,
    store,
    log,
    findJob: (uuid) => currentJob(tracker, records, uuid),
    followLog: (uuid, attempt, name) => logs.follow(uuid, attempt, name),
    onForgotten(uuid, createdAt) {
      void logs.drop(uuid)
      finished.letGo(uuid, createdAt)
    },
    onGivenUp: () => metrics.givenUpJobs.inc(),
    notifyEnd: async (job) => parts.notifyEnd?.(job),
    untilFollowed: (job) => untilFollowed(logs, job),
    async archive(job) {
      await archiveJob(archiveParts, job)
      if (job.answer.delivers_to) deliveries.kick()
    },
    remove: (job) => removeJob(archiveParts, job),
    async release({ live: { uuid, request }, answer }, letGo) {
      // A job that its backend let go may have made room for another one of its uuid.
      if (!letGo) await backend.release(uuid, request.keep_seconds)
      countArchived(metrics, answer)
    },
  })
  const findJob = (uuid: string) => storedJob(tracker, records, uuid)
  const { inputSources } = parts
  const deliveries = new DeliveryLoop({ backend, leadership, store, locks, log, inputSources, findJob })
  metrics.showJobs(() => {
    const counts = countByState(tracker)
    return states.map((state) => [state, counts.get(state) ?? 0])
  })
  const { janitor } = parts
  let endJanitor: (() => void) | undefined
  return {
    jobs: jobsOver({
      ...parts,
      records,
      locks,
      shelves,
      tracker,
      finished,
      deliveries,
      limit: createLiveJobLimit(tracker, parts.liveJobsPerToken ?? (() => undefined)),
    }),
    uploads: createUploads({ store, shelves, maxBytes: parts.inputMaxBytes, most: parts.uploadsMax }),
    start() {
      tracker.start()
      deliveries.start()
      if (janitor === undefined) return
      const { rules, intervalSeconds } = janitor
      const shared = { backend, leadership, store, records, locks, shelves, openUploads, rules, log }
      endJanitor = startJanitor(shared, intervalSeconds)
    },
    async close() {
      endJanitor?.()
      await within(5000, Promise.all([logs.close(), tracker.close(), finished.close(), deliveries.close()]))
    },
  }
}

interface AllParts extends JobsParts {
  records: Records
  locks: KeyedMutex
  shelves: Shelves
  tracker: Tracker
  finished: FinishedJobs
  deliveries: DeliveryLoop
  limit: LiveJobLimit
}

function jobsOver(parts: AllParts): Jobs {
  const { backend, store, records, tracker, log } = parts
  return {
    beginDeployment: (idempotencyKey, madeBy = null) => beginDeployment(parts, madeBy, idempotencyKey),

    beginPreview: (madeBy) =>
      createPreview({ ...parts, findJob: (uuid) => currentJob(tracker, records, uuid) }, madeBy),

    countLive: (madeBy) => parts.limit.count(madeBy),

    get: (uuid) => currentJob(tracker, records, uuid),

    stored: (uuid) => storedJob(tracker, records, uuid),

    findRestart: (of, from) => translateStoreErrors(() => findRestart(store, of, from)),

    async detailed(uuid) {
      const job = await detailedJob(parts, uuid)
      return job && (await translateStoreErrors(() => withDeliveries(store, job)))
    },

    list: (options) => translateStoreErrors(() => listJobs(tracker, records, options)),

    find: (filter, options) => translateStoreErrors(() => findJobs(parts, filter, options)),

    latestResult: (job) => translateStoreErrors(() => latestResult(parts, job)),

    act(action, filter, options) {
      const acting = {
        ...parts,
        current: (uuid: string) => currentJob(tracker, records, uuid),
        cancel: (uuid: string) => cancelJob(parts, uuid),
        remove: (uuid: string) => stopOrPurge(parts, uuid),
        onError: (job: string, error: unknown) => log.error({ job, error }, `a bulk ${action} failed`),
      }
      return translateStoreErrors(() => actOnJobs(acting, action, filter, options))
    },

    cancel: (uuid) => cancelJob(parts, uuid),

    remove: (uuid) => stopOrPurge(parts, uuid),

    deliver: (uuid) => translateStoreErrors(() => repeatDelivery(parts, uuid)),

    log: (uuid, options) => jobLog({ backend, store, records, tracker }, uuid, options),

    waitForFinal: (uuid, milliseconds, signal) =>
      waitForFinal(tracker, records, uuid, { milliseconds, signal }),

    watch: (listener) => watchJobs(parts, listener),

    countByState: () => countByState(tracker),
  }
}

function countByState(tracker: Tracker): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { answer } of tracker.list()) counts.set(answer.state, (counts.get(answer.state) ?? 0) + 1)
  return counts
}

function countArchived(metrics: Metrics, { state, reason, result }: Job): void {
  metrics.endedJobs.inc({ state, reason: reason ?? '' })
  metrics.uploads.inc({ state: result.state ?? 'missing' })
  metrics.uploadEntries.inc(result.count ?? 0)
  metrics.uploadBytes.inc(result.bytes ?? 0)
}
