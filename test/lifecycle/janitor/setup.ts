import type { Job } from '../../../src/job/job.ts'
import { soleLeader } from '../../../src/job/leadership.ts'
import type { Removal } from '../../../src/job/removal.ts'
import type { JanitorParts } from '../../../src/lifecycle/janitor/parts.ts'
import type { FinalRecord } from '../../../src/lifecycle/records/final-record.ts'
import { createRecords } from '../../../src/lifecycle/records/records.ts'
import { createShelves } from '../../../src/lifecycle/uploads/shelves.ts'
import { openUploads } from '../../../src/result-format/checkpoint/checkpoint.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { KeyedMutex } from '../../../src/util/keyed-mutex.ts'
import { createLog } from '../../../src/util/log.ts'
import { shellRequest, startBackend } from '../../backends/local/setup.ts'
import { finalRecord } from '../../support/api/job-answer.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { folderStore } from '../../support/store/folder-store.ts'

/** When the jobs of recordOf() ended. */
export const endedAt = Date.parse('2026-01-02T03:04:05.000Z')

/**
 * What the janitor's parts need, over a store (default: an empty folder); `told` gets each removal.
 */
export async function setUp(given?: ArtifactStore) {
  const store = given ?? (await folderStore())
  const backend = await startBackend(temporaryFolder())
  const records = createRecords(store)
  const locks = new KeyedMutex()
  const told: Removal[] = []
  const parts: JanitorParts = {
    backend,
    leadership: soleLeader,
    store,
    records,
    locks,
    shelves: createShelves(store),
    log: createLog('test', 'silent'),
    openUploads: (uuid, attempt) => openUploads(store, uuid, attempt),
    rules: { dryRun: false, report: (removal) => told.push(removal) },
  }
  return { store, backend, records, locks, told, parts }
}

/** The record of a job that has succeeded. */
export function recordOf(fields: Partial<FinalRecord> = {}, job: Partial<Job> = {}): FinalRecord {
  return finalRecord(
    { created_at: new Date(0).toISOString(), ...job },
    { request: shellRequest('exit 0'), ended_at: new Date(endedAt).toISOString(), ...fields },
  )
}
