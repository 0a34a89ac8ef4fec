import type { TakenUpload } from '../../job/inputs/input-list.ts'
import type { InputRequest } from '../../job/inputs/input-schema.ts'
import { findAttempts, type JobSourceParts, readableKeys } from './job-sources.ts'
import { lookForUploads, takeUploads, type UploadSourceParts, uploadedKeys } from './upload-sources.ts'

/** What was found of the sources that lie in this store, by their `from`. */
export interface FoundSources {
  /** As findAttempts() found them. */
  attempts: ReadonlyMap<string, string | undefined>
  /** As takeUploads() took them. */
  uploads: ReadonlyMap<string, TakenUpload>
}

/** Of keys: the policy of a per-job key has 4,096 bytes at most (MinIO). */
const mostReadable = 24

/** Rejects as findAttempts() and takeUploads() do. */
export async function findSources(
  inputs: readonly InputRequest[],
  parts: JobSourceParts & Omit<UploadSourceParts, 'most'>,
): Promise<FoundSources> {
  const attempts = await findAttempts(inputs, parts)
  const most = mostReadable - readableKeys(attempts).length
  return { attempts, uploads: await takeUploads(inputs, { ...parts, most }) }
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
export function readableOf({ attempts, uploads }: FoundSources): string[] | undefined {
  const keys = [...readableKeys(attempts), ...uploadedKeys(uploads)]
  return keys.length === 0 ? undefined : [...new Set(keys)].sort()
}
