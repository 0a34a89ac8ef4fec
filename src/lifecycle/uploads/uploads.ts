import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { inputNameExpected, inputNameProblem } from '../../job/inputs/input-name.ts'
import { ownerOf, uploadKeys } from '../../result-format/upload-keys.ts'
import { putStream, TooLargeError } from '../../store/put-stream.ts'
import { type ArtifactStore, StoreError } from '../../store/store.ts'
import { invalid, Problem } from '../../util/errors.ts'
import { translateStoreErrors } from '../translate-store-errors.ts'
import {
  findUpload,
  hasContent,
  type KeptUpload,
  pageOf,
  type Shelf,
  sameContent,
  withoutUpload,
  withReplaced,
  withUpload,
} from './shelf.ts'
import type { Shelves } from './shelves.ts'

/**
 * Inputs that are kept for several jobs, each caller's apart. `caller` is the name of the token, null
 * without one. Rejects with Problem: `invalid-request` for an unsafe name, `not-found`, `unavailable`.
 */
export interface Uploads {
  /**
   * Stores a stream under a name, in the place of an earlier one; `isNew` if there was none. Rejects
   * `precondition-failed`, `too-large`, and `too-many-uploads` for one more name than UPLOADS_MAX.
   */
  put(caller: string | null, name: string, stream: Readable, conditions: PutConditions): Promise<PutUpload>
  /** In the order of the names' bytes. */
  list(
    caller: string | null,
    page: { limit: number; after?: string },
  ): Promise<{ uploads: KeptUpload[]; more: boolean }>
  get(caller: string | null, name: string): Promise<KeptUpload & { owner: string }>
  /** Jobs that took it keep it. */
  remove(caller: string | null, name: string, conditions: PutConditions): Promise<void>
}

/** Throws a Problem if the present upload does not meet the request's conditions. */
export type PutConditions = (there: KeptUpload | undefined) => void

export interface PutUpload {
  upload: KeptUpload
  isNew: boolean
}

export interface UploadsParts {
  store: ArtifactStore
  shelves: Shelves
  /** Largest size of one upload. */
  maxBytes: number
  /** Most names of one caller. */
  most: number
}

export function createUploads(parts: UploadsParts): Uploads {
  const { shelves } = parts
  return {
    put: (caller, name, stream, conditions) => putUpload(parts, { caller, name }, stream, conditions),

    async list(caller, page) {
      const shelf = await translateStoreErrors(() => shelves.read(ownerOf(caller)))
      return pageOf(shelf, page)
    },

    async get(caller, name) {
      checkName(name)
      const owner = ownerOf(caller)
      const upload = findUpload(await translateStoreErrors(() => shelves.read(owner)), name)
      if (upload === undefined) throw absent(name)
      return { ...upload, owner }
    },

    async remove(caller, name, conditions) {
      checkName(name)
      const withoutName = (shelf: Shelf) => {
        const there = findUpload(shelf, name)
        if (there === undefined) throw absent(name)
        conditions(there)
        return withoutUpload(shelf, name)
      }
      await translateStoreErrors(() => shelves.change(ownerOf(caller), withoutName))
    },
  }
}

async function putUpload(
  { store, shelves, maxBytes, most }: UploadsParts,
  { caller, name }: { caller: string | null; name: string },
  stream: Readable,
  conditions: PutConditions,
): Promise<PutUpload> {
  checkName(name)
  const owner = ownerOf(caller)
  const admit = (shelf: Shelf) => {
    const there = findUpload(shelf, name)
    conditions(there)
    if (there === undefined && shelf.uploads.length >= most) throw tooMany(most)
    return there
  }
  // Refuses before GiBs are sent; the check below decides.
  admit(await translateStoreErrors(() => shelves.read(owner)))
  const id = randomBytes(8).toString('hex')
  const stored = await translateStoreErrors(() =>
    receive(store, uploadKeys.content(owner, id), stream, maxBytes),
  )
  const storedAt = Date.now()
  let put: PutUpload | undefined
  try {
    const lost = await lostContent(store, owner, await shelves.read(owner), stored.sha256)
    await shelves.change(owner, (shelf) => {
      // A write whose answer was lost comes again as a conflict.
      if (hasContent(shelf, id)) return shelf
      if (Date.now() > storedAt + longestChange) throw tooSlow()
      const there = admit(shelf)
      const content = { id, ...stored }
      const changed = withUpload(withReplaced(shelf, lost, content), name, content, new Date())
      const upload = findUpload(changed, name)
      put = upload && { upload, isNew: there === undefined }
      return changed
    })
    if (put === undefined) throw new Error(`the shelf has no ${name}`)
    if (put.upload.content !== id) await store.remove([uploadKeys.content(owner, id)])
    return put
  } catch (error) {
    // After a store's error the shelf may refer to the content: the janitor will decide.
    if (!(error instanceof StoreError)) {
      await store.remove([uploadKeys.content(owner, id)]).catch(() => {})
    }
    return await translateStoreErrors(() => Promise.reject(error))
  }
}

/** Less than the hour after which the janitor removes a content that no shelf has. */
const longestChange = 600_000

/** The id of the content with this SHA-256, if its object is gone or was replaced. */
async function lostContent(store: ArtifactStore, owner: string, shelf: Shelf, sha256: string) {
  const same = sameContent(shelf, sha256)
  if (same === undefined) return undefined
  const head = await store.head(uploadKeys.content(owner, same.id))
  return head?.etag === same.etag ? undefined : same.id
}

async function receive(store: ArtifactStore, key: string, stream: Readable, maxBytes: number) {
  try {
    return await putStream(store, key, stream, { maxBytes })
  } catch (error) {
    if (error instanceof TooLargeError) throw uploadTooLarge(maxBytes)
    if (error instanceof StoreError || error instanceof Problem) throw error
    throw invalid('body', 'was cut short', 'the whole content')
  }
}

export function uploadTooLarge(maxBytes: number): Problem {
  const expected = `at most ${maxBytes} bytes`
  const detail = `body: has more than ${maxBytes} bytes (INPUT_MAX_BYTES); expected ${expected}`
  return new Problem('too-large', detail, { errors: [{ field: 'body', problem: 'is too large', expected }] })
}

function checkName(name: string): void {
  const problem = inputNameProblem(name)
  if (problem !== undefined) throw invalid('name', problem, inputNameExpected)
}

function absent(name: string): Problem {
  return new Problem('not-found', `There is no upload ${JSON.stringify(name)} of this caller`)
}

function tooSlow(): Problem {
  return new Problem('unavailable', 'the store took too long to note the upload', { retryAfterSeconds: 5 })
}

function tooMany(most: number): Problem {
  const detail = `${most} uploads are kept, which is the most for a caller (UPLOADS_MAX): remove one that is not needed any more`
  return new Problem('too-many-uploads', detail)
}
