import type { TakenUpload } from '../../job/inputs/input-list.ts'
import type { InputRequest } from '../../job/inputs/input-schema.ts'
import type { Restart } from '../../job/steps/restart.ts'
import { restoredKeys } from './again/find-restart.ts'
import { findAttempts, type JobSourceParts, readableKeys } from './job-sources.ts'
import { lookForUploads, takeUploads, type UploadSourceParts, uploadedKeys } from './upload-sources.ts'

/** What was found of the sources that lie in this store, by their `from`. */
export interface FoundSources {
  /** As findAttempts() found them. */
  attempts: ReadonlyMap<string, string | undefined>
  /** As takeUploads() took them. */
  uploads: ReadonlyMap<string, TakenUpload>
  /** The result that the job's own begins with. */
  restart?: Restart | undefined
}

/** Of keys: the policy of a per-job key has 4,096 bytes at most (MinIO). */
const mostReadable = 24

/** Rejects as findAttempts() and takeUploads() do. */
export async function findSources(
  inputs: readonly InputRequest[],
  parts: JobSourceParts & Omit<UploadSourceParts, 'most'> & Pick<FoundSources, 'restart'>,
): Promise<FoundSources> {
  const attempts = await findAttempts(inputs, parts)
  const { restart } = parts
  const most = mostReadable - readableKeys(attempts).length - (restart ? restoredKeys(restart).length : 0)
  return { attempts, uploads: await takeUploads(inputs, { ...parts, most }), restart }
}

/** As findSources(), without taking the uploads: they may go before the job is made. */
export async function lookForSources(
  inputs: readonly InputRequest[],
  parts: JobSourceParts & Omit<UploadSourceParts, 'most'>,
): Promise<FoundSources> {
  const attempts = await findAttempts(inputs, parts)
  const most = mostReadable - readableKeys(attempts).length
  return { attempts, uploads: await lookForUploads(inputs, { ...parts, most }) }
}

/** Prefixes of the keys that the uploader reads for them; undefined without any. */
export function readableOf({ attempts, uploads, restart }: FoundSources): string[] | undefined {
  const restored = restart === undefined ? [] : restoredKeys(restart)
  const keys = [...readableKeys(attempts), ...uploadedKeys(uploads), ...restored]
  return keys.length === 0 ? undefined : [...new Set(keys)].sort()
}
