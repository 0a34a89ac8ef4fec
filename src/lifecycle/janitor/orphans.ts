import { layout } from '../../artifact/layout.ts'
import type { ArtifactStore } from '../../artifact/store.ts'
import { listAttempts, purge } from '../purge.ts'
import { removeListed } from '../remove-listed.ts'
import { type JanitorParts, mayRemove } from './parts.ts'

/** Folders with more keys than that are jumped over: the listing's pages hold as many. */
const mostKeys = 1000

/**
 * Removes the folders of the store that have neither a job nor a record, and in which nothing was written after
 * `before` (milliseconds since the epoch): inputs whose job was never made, and what a vanished job left behind
 * uncommitted.
 */
export async function removeOrphans(
  parts: JanitorParts,
  before: number,
  signal?: AbortSignal,
): Promise<void> {
  const { backend, store, records, locks, openUploads, rules, log } = parts
  for await (const { uuid, hasRecord } of folders(store, signal)) {
    if (!mayRemove(parts)) return
    // Whoever holds the lock is making that very job.
    if (hasRecord || backend.get(uuid) || locks.isLocked(uuid)) continue
    const unlock = await locks.lock(uuid)
    try {
      // The record first: one call, where the age of a large result takes one for each object.
      if ((await store.head(layout.record(uuid), signal)) !== undefined) continue
      if (await isYounger(store, uuid, before, signal)) continue
      if (await hasManifest(store, uuid)) {
        log.warn(
          { job: uuid },
          'results in the store belong to no known job: kept; DELETE /job/:id removes them',
        )
        continue
      }
      if (backend.get(uuid) || !mayRemove(parts)) continue
      const amount = rules.dryRun
        ? await removeListed(store, layout.job(uuid), { dryRun: true })
        : await purge(store, records, openUploads, uuid)
      const why = 'neither a job nor a record owns what lies in its folder'
      rules.tell({ kind: 'orphan', job: uuid, why, ...amount })
    } finally {
      unlock()
    }
  }
}

/** Every job's folder; `hasRecord` may be false for one with very many objects. */
async function* folders(
  store: ArtifactStore,
  signal?: AbortSignal,
): AsyncGenerator<{ uuid: string; hasRecord: boolean }> {
  let folder: { uuid: string; hasRecord: boolean; keys: number } | undefined
  for (let after: string | undefined, done = false; !done; ) {
    done = true
    const options = { ...(after !== undefined && { after }), ...(signal && { signal }) }
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
      // `0` is the character behind `/`.
      after = `jobs/${uuid}0`
      done = false
      break
    }
  }
  if (folder) yield folder
}

/** A committed result: its Job went without its record, as with a cluster that was set up anew. Never removed unasked. */
async function hasManifest(store: ArtifactStore, uuid: string): Promise<boolean> {
  for (const attempt of await listAttempts(store, uuid)) {
    if ((await store.head(layout.manifest(uuid, attempt))) !== undefined) return true
  }
  return false
}

async function isYounger(
  store: ArtifactStore,
  uuid: string,
  before: number,
  signal?: AbortSignal,
): Promise<boolean> {
  for await (const { key } of store.list(`jobs/${uuid}/`, signal ? { signal } : {})) {
    const head = await store.head(key, signal)
    if (head && head.modified.getTime() > before) return true
  }
  return false
}
