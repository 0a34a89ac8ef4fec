import type { Datasets } from '../dataspaces/datasets/datasets.ts'
import type { Grants } from '../dataspaces/grants/grants.ts'
import type { Provisioning } from '../dataspaces/provisioning/provisioning.ts'
import type { Signaling } from '../dataspaces/signaling/signaling.ts'
import type { JobBackend } from '../job/backend.ts'
import type { Leadership } from '../job/leadership.ts'
import type { ConfiguredJob } from '../job/request/request-schema.ts'
import type { Admission } from '../lifecycle/deploy/admission.ts'
import type { Jobs } from '../lifecycle/jobs.ts'
import type { StoreHealth } from '../lifecycle/store-health.ts'
import type { Uploads } from '../lifecycle/uploads/uploads.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { ResultOpener } from '../results/open-result.ts'
import type { ArtifactStore } from '../store/store.ts'
import type { Log } from '../util/log.ts'
import type { Metrics } from '../util/metrics.ts'

/** The services that the routes call. */
export interface Services {
  jobs: Jobs
  uploads: Uploads
  backend: JobBackend
  leadership: Leadership
  store: ArtifactStore
  storeHealth: StoreHealth
  resultOpener: ResultOpener
  configured: ConfiguredJobs
  admission: Admission
  datasets: Datasets
  grants: Grants
  provisioning: Provisioning
  notifications: Notifications
  signaling: Signaling
  /** The message broker; absent without AMQP_URL. */
  broker?: { state(): BrokerState } | undefined
  metrics: Metrics
  log: Log
  /** False before the first sync and during shutdown. */
  ready(): boolean
  /** Aborted when shutdown begins, which ends waiting requests and streams. */
  shutdown: AbortSignal
}

/** The connection to the message broker, as /health shows it. */
export interface BrokerState {
  /** `blocked`: the broker takes no messages, as without room on its disk. */
  state: 'connected' | 'blocked' | 'away'
  /** Why it is not connected, or blocked. */
  error: string | null
  since: string
}

/** The configured jobs, which callers may name in a request. */
export interface ConfiguredJobs {
  get(name: string): ConfiguredJob | undefined
  /** All names, sorted. */
  names(): string[]
}
