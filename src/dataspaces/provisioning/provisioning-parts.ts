import type { Leadership } from '../../job/leadership.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import type { JobEnds } from '../../notifications/job-ends.ts'
import type { Outbox } from '../../notifications/outbox/outbox.ts'
import type { ArtifactStore } from '../../store/store.ts'
import type { OutgoingCalls } from '../../util/egress/outgoing-calls.ts'
import type { Log } from '../../util/log.ts'
import type { DatasetJobParts } from '../datasets/dataset-request.ts'
import type { Pauses } from './connector-callbacks.ts'
import type { EdcSettings } from './edc-settings.ts'
import type { AccessParts } from './give-access.ts'

/** What provisioning works with. */
export interface ProvisioningParts extends DatasetJobParts {
  store: ArtifactStore
  jobs: Pick<Jobs, 'beginDeployment' | 'get' | 'cancel' | 'remove'>
  access: AccessParts
  edc: EdcSettings
  notifications: { ends: JobEnds; outbox: Outbox; outgoing: Pick<OutgoingCalls, 'refuses'> }
  leadership: Leadership
  log: Log
  /** For tests. */
  pauses?: Pauses
}
