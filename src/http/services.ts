import type { ArtifactStore } from '../artifact/store.ts'
import type { Completion } from '../completion/create-completion.ts'
import type { Datasets } from '../completion/datasets/datasets.ts'
import type { Grants } from '../completion/grants/grants.ts'
import type { Provisioning } from '../completion/provision/provisioning.ts'
import type { Signaling } from '../completion/signaling/signaling.ts'
import type { JobBackend } from '../job/backend.ts'
import type { ConfiguredJob } from '../job/request-schema.ts'
import type { Jobs } from '../lifecycle/jobs.ts'
import type { StoreHealth } from '../lifecycle/store-health.ts'
import type { Log } from '../log.ts'
import type { LocateResult } from '../result/locate.ts'
import type { Metrics } from './metrics.ts'

/** What the routes call. */
export interface Services {
  jobs: Jobs
  backend: JobBackend
  store: ArtifactStore
  storeHealth: StoreHealth
  locateResult: LocateResult
  configured: ConfiguredJobs
  datasets: Datasets
  grants: Grants
  provisioning: Provisioning
  completion: Completion
  signaling: Signaling
  metrics: Metrics
  log: Log
  /** False before the first sync and during shutdown. */
  ready(): boolean
  /** Aborted when shutdown begins: whatever waits or follows ends then. */
  shutdown: AbortSignal
}

/** The jobs that callers may start from. */
export interface ConfiguredJobs {
  get(name: string): ConfiguredJob | undefined
  /** Sorted. */
  names(): string[]
}
