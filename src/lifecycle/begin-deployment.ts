import type { JobBackend } from '../job/backend.ts'
import { jobUuid } from '../job/job-uuid.ts'
import { Problem } from '../util/errors.ts'
import type { KeyedMutex } from '../util/keyed-mutex.ts'
import { currentJob } from './current-job.ts'
import { createDeployment, type DeploymentParts } from './deploy/deployment.ts'
import type { LiveJobLimit } from './deploy/live-job-limit.ts'
import type { Deployment } from './jobs.ts'
import type { Records } from './records/records.ts'
import type { Tracker } from './tracking/tracker.ts'
import { translateStoreErrors } from './translate-store-errors.ts'

export interface BeginDeploymentParts extends Omit<DeploymentParts, 'findJob'> {
  /** The scope in which Idempotency-Keys are unique. */
  namespace: string
  records: Records
  locks: KeyedMutex
  limit: LiveJobLimit
  tracker: Tracker
}

/** As Jobs.beginDeployment. */
export async function beginDeployment(
  parts: BeginDeploymentParts,
  madeBy: string | null,
  idempotencyKey?: string,
): Promise<Deployment> {
  const { backend, records, locks, limit } = parts
  const uuid = jobUuid(parts.namespace, idempotencyKey)
  const unlock = await locks.lock(uuid)
  try {
    const existing = idempotencyKey === undefined ? undefined : await existingRequest(backend, records, uuid)
    const free = existing === undefined ? limit.begin(uuid, madeBy) : () => {}
    const end = () => {
      free()
      unlock()
    }
    const findJob = (other: string) => currentJob(parts.tracker, records, other)
    return createDeployment({ ...parts, findJob }, { uuid, existing, madeBy, unlock: end })
  } catch (error) {
    unlock()
    throw error
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
  return live?.requestSha256 ?? (await translateStoreErrors(() => records.read(uuid)))?.request_sha256
}
