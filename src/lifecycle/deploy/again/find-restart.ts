import { impossible, type Restart, refuseIncomplete, restartOf } from '../../../job/steps/restart.ts'
import { jobKeys } from '../../../result-format/job-keys.ts'
import { DamagedManifest } from '../../../result-format/manifest/manifest-format.ts'
import { readHead } from '../../../result-format/manifest/manifest-reader.ts'
import type { ArtifactStore } from '../../../store/store.ts'
import { Problem } from '../../../util/errors.ts'
import type { StoredJob } from '../../stored-job.ts'

/** As Jobs.findRestart(). Rejects with StoreError, too. */
export async function findRestart(
  store: ArtifactStore,
  { job, request }: StoredJob,
  from: string,
): Promise<Restart> {
  const restart = restartOf(job, from)
  const { uuid, attempt } = restart
  const head = await readHead(store, jobKeys.manifest(uuid, attempt)).catch((error: unknown) => {
    if (!(error instanceof DamagedManifest)) throw error
    throw new Problem('result-damaged', `Job ${uuid} can't be restarted: ${error.message}`, { cause: error })
  })
  if (head === undefined) throw impossible(uuid, 'its result is gone')
  refuseIncomplete(restart, request, head)
  return restart
}

/** Prefixes of the keys that the uploader reads to restore a result. */
export function restoredKeys({ uuid, attempt }: Restart): string[] {
  return [jobKeys.file(uuid, attempt, ''), jobKeys.manifest(uuid, attempt)]
}
