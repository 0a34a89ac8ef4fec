import type { InputRequest } from '../../job/inputs/input-schema.ts'
import { isFolder, parseSource, type SourceAddress } from '../../job/inputs/source-address.ts'
import { isFinal, type Job } from '../../job/job.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { DamagedManifest } from '../../result-format/manifest/manifest-format.ts'
import { type Manifest, openManifest } from '../../result-format/manifest/manifest-reader.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { type FieldError, invalidFields } from '../../util/errors.ts'

export interface JobSourceParts {
  store: ArtifactStore
  findJob(uuid: string): Promise<Job | undefined>
  /** Name of the caller's token; null without one. */
  caller: string | null
  /** Jobs of this caller that the new job waits for: their results are looked for when it starts. */
  awaited?: readonly string[]
}

type JobAddress = SourceAddress & { kind: 'job' }

/** The policy of a per-job key has 4,096 bytes at most (MinIO). */
const mostJobs = 8

/**
 * The UIDs of the attempts whose results `job:` sources name, by their `from`; undefined for a source
 * of an awaited job. Rejects with a Problem
 * `invalid-request` that names each source that is no file or folder of an ended job of this caller,
 * and with StoreError.
 */
export async function findAttempts(
  inputs: readonly InputRequest[],
  parts: JobSourceParts,
): Promise<Map<string, string | undefined>> {
  const attempts = new Map<string, string | undefined>()
  const jobs = new Map<string, Job | undefined>()
  const errors: FieldError[] = []
  for (const [index, { from = '', optional = false }] of inputs.entries()) {
    const source = parseSource(from)
    if (source?.kind !== 'job') continue
    const field = `inputs[${index}].from`
    const { uuid } = source
    const isAwaited = parts.awaited?.includes(uuid) === true
    if (!jobs.has(uuid)) jobs.set(uuid, isAwaited ? undefined : await parts.findJob(uuid))
    const found = isAwaited ? undefined : await attemptOf(source, jobs.get(uuid), parts, optional)
    if (jobs.size > mostJobs) {
      errors.push({ field, problem: 'is of a further job', expected: `files of at most ${mostJobs} jobs` })
    } else if (typeof found === 'object') errors.push({ field, ...found })
    else attempts.set(from, found)
  }
  if (errors.length > 0) throw invalidFields(errors)
  return attempts
}

/** The jobs whose results are looked for when the job starts, each once. */
export function awaitedResults(attempts: ReadonlyMap<string, string | undefined>): string[] {
  const uuids = [...attempts].flatMap(([from, attempt]) => {
    const source = attempt === undefined ? parseSource(from) : undefined
    return source?.kind === 'job' ? [source.uuid] : []
  })
  return [...new Set(uuids)]
}

/** The keys that the uploader reads for them, as prefixes; each once. */
export function readableKeys(attempts: ReadonlyMap<string, string | undefined>): string[] {
  const keys = [...attempts].flatMap(([from, attempt = anyAttempt]) => {
    const source = parseSource(from)
    if (source?.kind !== 'job') return []
    return [jobKeys.file(source.uuid, attempt, ''), jobKeys.manifest(source.uuid, attempt)]
  })
  return [...new Set(keys)]
}

/** In a store's policy `?` is any character: of an awaited job the attempt isn't known yet. */
const anyAttempt = '????????-????-????-????-????????????'

type Refusal = Omit<FieldError, 'field'>

async function attemptOf(
  source: JobAddress,
  job: Job | undefined,
  { store, caller }: JobSourceParts,
  optional: boolean,
): Promise<string | Refusal> {
  // Another caller's job is answered as one that isn't there.
  if (job === undefined || (job.made_by ?? null) !== caller) {
    return {
      problem: 'names no job of this caller',
      expected: 'job:<uuid>/path of a job made with this token',
    }
  }
  if (!isFinal(job.state)) {
    return {
      problem: `names a job that is ${job.state}`,
      expected: 'a job that has ended, or one that depends_on names as well',
    }
  }
  const attempt = job.attempt?.uid
  const { state } = job.result
  if (attempt === undefined || state === null || state === 'missing' || state === 'expired') {
    return { problem: `names a job whose result is ${state ?? 'missing'}`, expected: 'a job with a result' }
  }
  if (optional) return attempt
  const manifest = await openManifest(store, jobKeys.manifest(source.uuid, attempt)).catch(
    (error: unknown) => {
      // The uploader says what is damaged.
      if (!(error instanceof DamagedManifest)) throw error
    },
  )
  return manifest === undefined || (await hasSource(manifest, source)) ? attempt : missing(source)
}

async function hasSource(manifest: Manifest, source: JobAddress): Promise<boolean> {
  const path = Buffer.from(source.key)
  if (!isFolder(source)) return (await manifest.entry(path))?.type === 'file'
  return (await manifest.page({ prefix: path, limit: 1 })).entries.length > 0
}

function missing(source: JobAddress): Refusal {
  return isFolder(source)
    ? { problem: 'names a folder that the result does not have', expected: 'a folder with something in it' }
    : {
        problem: 'names no file of the result',
        expected: 'the path of a file, or of a folder with / at its end',
      }
}
