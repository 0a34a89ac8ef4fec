import { jobKeys } from '../../result-format/job-keys.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'
import { purge } from '../archive/purge.ts'
import { removeListed } from '../archive/remove-listed.ts'
import { listAttempts } from '../records/list-attempts.ts'
import { type JanitorParts, mayRemove } from './parts.ts'

/** After that many keys the rest of a folder is skipped: a page of a listing has as many. */
const mostKeys = 1000

/**
 * Removes the folders that have neither a job nor a record, and in which nothing was written after
 * `before` (milliseconds since the epoch): inputs whose job was never made, and uncommitted results
 * of a job that vanished.
 */
export async function removeOrphans(
  parts: JanitorParts,
  before: number,
  signal?: AbortSignal,
): Promise<void> {
  const { backend, store, records, locks, openUploads, rules, log } = parts
  for await (const { uuid, hasRecord } of folders(store, signal)) {
    if (!mayRemove(parts)) return
    // The lock's holder is making that job.
    if (hasRecord || backend.get(uuid) || locks.isLocked(uuid)) continue
    const unlock = await locks.lock(uuid)
    try {
      // The record first, in one call: the age of a large result takes one for each object.
      if ((await store.head(jobKeys.record(uuid), signal)) !== undefined) continue
      if (await isYounger(store, uuid, before, signal)) continue
      if (await hasManifest(store, uuid)) {
        log.warn(
          { job: uuid },
          'results in the store belong to no known job and are kept; DELETE /job/:id removes them',
        )
        continue
      }
      if (backend.get(uuid) || !mayRemove(parts)) continue
      const amount = rules.dryRun
        ? await removeListed(store, jobKeys.job(uuid), { dryRun: true })
        : await purge(store, records, openUploads, uuid)
      const why = 'its folder has neither a job nor a record'
      rules.report({ kind: 'orphan', job: uuid, why, ...amount })
    } finally {
      unlock()
    }
  }
}

/** Each job's folder; `hasRecord` may be false for a folder with very many objects. */
async function* folders(
  store: ArtifactStore,
  signal?: AbortSignal,
): AsyncGenerator<{ uuid: string; hasRecord: boolean }> {
  let folder: { uuid: string; hasRecord: boolean; keys: number } | undefined
  for (let after: string | undefined, done = false; !done; ) {
    done = true
    const options = defined({ after, signal })
    for await (const { key } of store.list('jobs/', options)) {
      const [, uuid, name] = /^jobs\/([0-9a-f-]{36})\/(.*)$/s.exec(key) ?? []
      if (uuid === undefined) continue
      if (uuid !== folder?.uuid) {
        if (folder) yield folder
        folder = { uuid, hasRecord: false, keys: 0 }
      }
      folder.keys += 1
      if (name === 'job.json') folder.hasRecord = true
      if (folder.keys <= mostKeys) continue
      // `0` is the character after `/`.
      after = `jobs/${uuid}0`
      done = false
      break
    }
  }
  if (folder) yield folder
}

/**
 * True for a committed result whose Job went without a record, as with a new cluster: it is never
 * removed unasked.
 */
async function hasManifest(store: ArtifactStore, uuid: string): Promise<boolean> {
  for (const attempt of await listAttempts(store, uuid)) {
    if ((await store.head(jobKeys.manifest(uuid, attempt))) !== undefined) return true
  }
  return false
}

async function isYounger(
  store: ArtifactStore,
  uuid: string,
  before: number,
  signal?: AbortSignal,
): Promise<boolean> {
  for await (const { key } of store.list(`jobs/${uuid}/`, defined({ signal }))) {
    const head = await store.head(key, signal)
    if (head && head.modified.getTime() > before) return true
  }
  return false
}
