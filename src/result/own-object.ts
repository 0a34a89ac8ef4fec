import { layout } from '../artifact/layout.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import { Problem } from '../errors.ts'
import type { Log } from '../log.ts'
import { createDamages } from './damages.ts'
import { inMemory, wholeFile } from './entry-bytes.ts'
import type { LocateResult } from './locate.ts'
import { createOpener, type OpenedResult } from './opened.ts'
import { type ReadableFile, readable, shown } from './readable-file.ts'

/** Files of results for those who read the store itself. Rejects with Problem, as chosenEntries() and LocateResult do. */
export interface OwnObjects {
  /** Nothing where the results can be read, and the file is among them where one is named. */
  check(uuid: string, path?: Uint8Array): Promise<void>
  /**
   * The key of an object that is that file and nothing else; where it shares one with others it is copied to
   * `name` below the job's folder.
   */
  keyOf(uuid: string, path: Uint8Array, name: string): Promise<string>
  /** Removes a copy; there may be none. */
  remove(key: string): Promise<void>
}

/** What shares an object is small; this much is held in memory. */
const maxCopiedBytes = 64 * 2 ** 20

export function createOwnObjects(store: ArtifactStore, locateResult: LocateResult, log: Log): OwnObjects {
  const opener = createOpener(store, locateResult, log)
  const damages = createDamages()

  async function copied(uuid: string, attempt: string, file: ReadableFile, key: string): Promise<string> {
    if (file.size > maxCopiedBytes) throw new Problem('internal', 'A file that shares an object is too large')
    await store.put(key, await inMemory(wholeFile({ store, uuid, attempt, log, damages }, file), file.size))
    return key
  }

  return {
    check: (uuid, path) =>
      opener.withResult(uuid, async (result) => {
        if (path !== undefined) await fileIn(result, path)
      }),

    keyOf: (uuid, path, name) =>
      opener.withResult(uuid, async (result) => {
        const { attempt } = result.located
        const file = await fileIn(result, path)
        if (file.offset !== undefined) return await copied(uuid, attempt, file, `${layout.job(uuid)}${name}`)
        return layout.file(uuid, attempt, file.key)
      }),

    remove: (key) => store.remove([key]),
  }
}

async function fileIn({ located, manifest }: OpenedResult, path: Uint8Array): Promise<ReadableFile> {
  const entry = await manifest.entry(path)
  if (entry) return readable(entry)
  throw new Problem('not-found', `${shown(path)} is not among the results of job ${located.job.job_uuid}`)
}
