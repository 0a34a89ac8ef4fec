import type { ArtifactStore } from '../artifact/store.ts'
import type { JobBackend } from '../job/backend.ts'
import type { Jobs } from '../lifecycle/jobs.ts'
import type { Log } from '../log.ts'
import type { LocateResult } from '../result/locate.ts'

/** What the routes call. */
export interface Services {
  jobs: Jobs
  backend: JobBackend
  store: ArtifactStore
  locateResult: LocateResult
  log: Log
}
