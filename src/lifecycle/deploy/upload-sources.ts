import type { TakenUpload } from '../../job/inputs/input-list.ts'
import type { InputRequest } from '../../job/inputs/input-schema.ts'
import { parseSource } from '../../job/inputs/source-address.ts'
import { ownerOf, uploadKeys } from '../../result-format/upload-keys.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { type FieldError, invalidFields, Problem } from '../../util/errors.ts'
import { findUpload, type Shelf, usableContents } from '../uploads/shelf.ts'
import type { Shelves } from '../uploads/shelves.ts'

export interface UploadSourceParts {
  store: ArtifactStore
  shelves: Shelves
  /** The job that needs them. */
  uuid: string
  /** Name of the caller's token; null without one. */
  caller: string | null
  /** Most uploads that one request may name. */
  most: number
}

const mostTries = 5

/**
 * The versions of the uploads that `upload:` sources name, by their `from`; from now on they stay
 * while the job needs them. Optional ones that are not there are left out. Rejects with a Problem
 * `invalid-request` that names each source that is no upload of this caller, and with StoreError.
 */
export async function takeUploads(
  inputs: readonly InputRequest[],
  { store, shelves, uuid, caller, most }: UploadSourceParts,
): Promise<Map<string, TakenUpload>> {
  if (!namesUploads(inputs)) return new Map()
  const owner = ownerOf(caller)
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const taken = namedUploads(inputs, owner, await shelves.read(owner), most)
    const contents = [...new Set([...taken.values()].map(({ content }) => content))]
    await Promise.all(
      contents.map((content) => store.put(uploadKeys.use(owner, content, Date.now(), uuid), Buffer.alloc(0))),
    )
    // The janitor marks a content and then looks for uses: one of the two sees the other.
    const usable = usableContents(await shelves.read(owner))
    if (contents.every((content) => usable.has(content))) return taken
  }
  throw new Problem('unavailable', 'the uploads of this request are being replaced all the time', {
    retryAfterSeconds: 1,
  })
}

/** As takeUploads(), of the versions that are there now; nothing keeps them. */
export async function lookForUploads(
  inputs: readonly InputRequest[],
  { shelves, caller, most }: Pick<UploadSourceParts, 'shelves' | 'caller' | 'most'>,
): Promise<Map<string, TakenUpload>> {
  if (!namesUploads(inputs)) return new Map()
  const owner = ownerOf(caller)
  return namedUploads(inputs, owner, await shelves.read(owner), most)
}

function namesUploads(inputs: readonly InputRequest[]): boolean {
  return inputs.some(({ from = '' }) => parseSource(from)?.kind === 'upload')
}

/** Keys that the uploader reads for them. */
export function uploadedKeys(taken: ReadonlyMap<string, TakenUpload>): string[] {
  return [...taken.values()].map(({ owner, content }) => uploadKeys.content(owner, content))
}

function namedUploads(
  inputs: readonly InputRequest[],
  owner: string,
  shelf: Shelf,
  most: number,
): Map<string, TakenUpload> {
  const taken = new Map<string, TakenUpload>()
  const errors: FieldError[] = []
  for (const [index, { from = '', sha256: demanded, optional = false }] of inputs.entries()) {
    const source = parseSource(from)
    if (source?.kind !== 'upload') continue
    const upload = findUpload(shelf, source.key)
    const field = `inputs[${index}].from`
    if (upload === undefined) {
      const problem = `${JSON.stringify(source.key)} is no upload of this caller`
      if (!optional)
        errors.push({ field, problem, expected: 'the name of one that PUT /upload/<name> stored' })
      continue
    }
    const { content, size, sha256, etag } = upload
    if (demanded !== undefined && demanded !== sha256) {
      const problem = `is not that of ${JSON.stringify(source.key)}, which has ${sha256}`
      errors.push({ field: `inputs[${index}].sha256`, problem, expected: 'the SHA-256 of the upload' })
    }
    taken.set(from, { owner, content, size, sha256, etag })
    if (taken.size > most) {
      const expected = `at most ${most} beside the jobs that are named; an archive with \`unpack\` can hold many files`
      errors.push({ field, problem: 'is one more upload', expected })
    }
  }
  if (errors.length > 0) throw invalidFields(errors)
  return taken
}
