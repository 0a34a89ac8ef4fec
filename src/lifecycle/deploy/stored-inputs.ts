import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { SourceLine } from '../../job/inputs/input-list.ts'
import type { InputRequest } from '../../job/inputs/input-schema.ts'
import { shownSource } from '../../job/inputs/source-address.ts'
import type { Job } from '../../job/job.ts'
import type { Entry } from '../../result-format/entry.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { readIfAny } from '../../store/read-whole.ts'
import { type ArtifactStore, isNotFound, isPreconditionFailed } from '../../store/store.ts'
import { Problem } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'

/** The inputs that a job had, by its list in the store. */
export interface StoredInputs {
  uuid: string
  /** Files that came with its request. */
  files: StoredInput[]
  /** What its uploader fetched. */
  sources: SourceLine[]
}

export interface StoredInput {
  path: string
  size: number
  sha256: string
  key: string
  etag: string
}

/**
 * Reads the list of inputs with this digest; null: the job had none. Rejects with a Problem
 * `inputs-gone` or `inputs-changed`, and with StoreError.
 */
export async function readStoredInputs(
  store: ArtifactStore,
  uuid: string,
  sha256: string | null | undefined,
): Promise<StoredInputs> {
  if (sha256 === undefined) {
    throw new Problem(
      'inputs-gone',
      `Which inputs job ${uuid} had was not written down by the version that made it`,
    )
  }
  if (sha256 === null) return { uuid, files: [], sources: [] }
  const bytes = await readIfAny(store, jobKeys.inputList(uuid, sha256))
  if (bytes === undefined) throw gone(uuid, 'its list of inputs')
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw changed(uuid, 'its list of inputs')
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SourceLine | (Entry & StoredInput) | { type: 'settings' })
  return {
    uuid,
    files: lines.flatMap((line) => (line.type === 'file' ? [line] : [])),
    sources: lines.flatMap((line) => (line.type === 'source' ? [line] : [])),
  }
}

/** A stored input's bytes. Rejects as readStoredInputs(). */
export async function openStoredInput(
  store: ArtifactStore,
  uuid: string,
  { path, key, etag }: StoredInput,
): Promise<Readable> {
  try {
    return (await store.get(jobKeys.input(uuid, key), { ifMatch: etag })).stream
  } catch (error) {
    if (isNotFound(error)) throw gone(uuid, path)
    if (isPreconditionFailed(error)) throw changed(uuid, path)
    throw error
  }
}

/** The sources as a request has them; an upload is the version that was taken at the deployment. */
export function referencesOf({ sources }: StoredInputs): InputRequest[] {
  return sources.map(({ from, path, unpack, sha256, secret, optional, upload }) => ({
    ...{ from, to: path },
    ...defined({ unpack, sha256: sha256 ?? upload?.sha256, secret }),
    ...(upload === undefined ? defined({ optional }) : {}),
  }))
}

/**
 * The references, those that the job fetched as it had them: with the digest of a file, so that one
 * that has changed is refused, and not `optional`, so that one that is gone is not left out.
 */
export function asFetched(references: readonly InputRequest[], { inputs = [] }: Job): InputRequest[] {
  return references.map((reference) => {
    const { from, to } = reference
    const fetched = inputs.find(
      (one) => one.to === to && from !== undefined && one.source === shownSource(from),
    )
    if (fetched === undefined) return reference
    const { optional: _optional, ...needed } = reference
    return fetched.files === undefined ? { sha256: fetched.sha256, ...needed } : needed
  })
}

export function changed(uuid: string, what: string): Problem {
  return new Problem('inputs-changed', `Of the inputs of job ${uuid}, ${what} is not what it was any more`)
}

function gone(uuid: string, what: string): Problem {
  const detail = `Of the inputs of job ${uuid}, ${what} is no longer in the store; inputs are kept as long as the result`
  return new Problem('inputs-gone', detail)
}
