import { randomUUID } from 'node:crypto'
import { openUploads } from '../../../src/artifact/checkpoint.ts'
import type { ArtifactStore } from '../../../src/artifact/store.ts'
import type { Job } from '../../../src/job/job.ts'
import type { Removal } from '../../../src/job/removal.ts'
import type { JanitorParts } from '../../../src/lifecycle/janitor/parts.ts'
import { KeyLock } from '../../../src/lifecycle/key-lock.ts'
import { createRecords, type JobRecord } from '../../../src/lifecycle/records.ts'
import { createLog } from '../../../src/log.ts'
import { shellRequest, startBackend, temporaryFolder } from '../../local/setup.ts'
import { folderStore } from '../../support/folder-store.ts'

/** When the jobs of recordOf() ended. */
export const endedAt = Date.parse('2026-01-02T03:04:05.000Z')

/** What the janitor's parts need, over a store (default: an empty folder); `told` gets each removal. */
export async function setUp(given?: ArtifactStore) {
  const store = given ?? (await folderStore())
  const backend = await startBackend(await temporaryFolder())
  const records = createRecords(store)
  const locks = new KeyLock()
  const told: Removal[] = []
  const parts: JanitorParts = {
    backend,
    store,
    records,
    locks,
    log: createLog('test', 'silent'),
    openUploads: (uuid, attempt) => openUploads(store, uuid, attempt),
    rules: { dryRun: false, tell: (removal) => told.push(removal) },
  }
  return { store, backend, records, locks, told, parts }
}

/** The record of a job that has succeeded. */
export function recordOf(fields: Partial<JobRecord> = {}, job: Partial<Job> = {}): JobRecord {
  return {
    version: 1,
    job: {
      job_uuid: randomUUID(),
      job: null,
      state: 'succeeded',
      reason: null,
      message: null,
      exit_code: 0,
      attempt: { number: 1, uid: randomUUID() },
      created_at: new Date(0).toISOString(),
      started_at: null,
      finished_at: null,
      result: { state: 'complete', count: 0, bytes: 0 },
      ...job,
    },
    request: shellRequest('exit 0'),
    request_sha256: 'x',
    ended_at: new Date(endedAt).toISOString(),
    logs: {},
    ...fields,
  }
}
