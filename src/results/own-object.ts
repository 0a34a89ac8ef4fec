import { jobKeys } from '../result-format/job-keys.ts'
import { isWholeObject } from '../result-format/stored-form.ts'
import type { ArtifactStore } from '../store/store.ts'
import { Problem } from '../util/errors.ts'
import type { FileSource } from './file-source.ts'
import type { ResultOpener } from './open-result.ts'
import { fileAt } from './serve/file-at.ts'
import { readFile } from './serve/file-bytes.ts'
import type { ReadableFile } from './serve/readable-file.ts'

/**
 * Result files as single objects, for callers that read the store directly. Links to files of the
 * results are followed. Rejects with Problem, as fileAt() and LocateResult do.
 */
export interface OwnObjects {
  /** Resolves if the results can be read and contain the file at `path`, if that is given. */
  check(uuid: string, path?: Uint8Array): Promise<void>
  /**
   * Key of an object with this file only; a file in a pack is copied to `name` in the job's folder.
   */
  keyOf(uuid: string, path: Uint8Array, name: string): Promise<string>
  /** Removes the copy with this key, if it exists. */
  remove(key: string): Promise<void>
}

/** Files in packs are small: a copy up to this size is held in memory. */
const maxCopiedBytes = 64 * 2 ** 20

export function createOwnObjects(store: ArtifactStore, opener: ResultOpener): OwnObjects {
  async function copy(files: FileSource, file: ReadableFile, key: string): Promise<string> {
    if (file.size > maxCopiedBytes) throw new Problem('internal', 'A file that shares an object is too large')
    await store.put(key, await readFile(files, file))
    return key
  }

  return {
    check: (uuid, path) =>
      opener.withResult(uuid, async (result) => {
        if (path !== undefined) await fileAt(result, path)
      }),

    keyOf: (uuid, path, name) =>
      opener.withResult(uuid, async (result) => {
        const files = opener.filesOf(result)
        const file = await fileAt(result, path)
        if (isWholeObject(file)) return jobKeys.file(uuid, files.attempt, file.key)
        return await copy(files, file, `${jobKeys.job(uuid)}${name}`)
      }),

    remove: (key) => store.remove([key]),
  }
}
