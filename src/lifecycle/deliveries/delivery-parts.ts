import type { JobBackend } from '../../job/backend.ts'
import type { Leadership } from '../../job/leadership.ts'
import type { ArtifactStore } from '../../store/store.ts'
import type { KeyedMutex } from '../../util/keyed-mutex.ts'
import type { Log } from '../../util/log.ts'
import type { SourceRules } from '../deploy/input-sources.ts'
import type { StoredJob } from '../stored-job.ts'

/** What bringing deliveries to their end works with. */
export interface DeliveryParts {
  backend: Pick<JobBackend, 'deliveries' | 'isCurrent'>
  leadership: Leadership
  store: ArtifactStore
  locks: KeyedMutex
  log: Log
  inputSources: SourceRules
  /** Live or finished; undefined if it is deleted. */
  findJob(uuid: string): Promise<StoredJob | undefined>
}
