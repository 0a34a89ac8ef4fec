import { layout } from '../../artifact/layout.ts'
import { DamagedManifest } from '../../artifact/manifest-format.ts'
import { type Manifest, openManifest } from '../../artifact/manifest-reader.ts'
import { listAttempts } from '../purge.ts'
import type { JobRecord } from '../records.ts'
import { removeListed } from '../remove-listed.ts'
import { NamedKeys } from './named-keys.ts'
import { dropUploads, type JanitorParts, removeAttempts, stands } from './parts.ts'
import { day } from './schedule.ts'

/**
 * Removes what a finished job left beside its result: uploads in parts that are open, attempts that later ones
 * replaced, and in the shown attempt's folder what its manifest doesn't name. Never what it names, nor logs.
 */
export async function removeLeftovers(parts: JanitorParts, record: JobRecord, now: number): Promise<void> {
  const { job_uuid: uuid, attempt: shown } = record.job
  const attempts = await listAttempts(parts.store, uuid)
  if (!(await stands(parts, record))) return
  for (const attempt of attempts) {
    if (attempt === shown?.uid) {
      await dropUploads(parts, uuid, attempt)
      await removeUnnamed(parts, record, attempt, now)
      continue
    }
    const amount = await removeAttempts(parts, uuid, [attempt])
    const why = `attempt ${attempt} is not the one whose results count, which is ${shown?.uid ?? 'none'}`
    if (amount.objects > 0) parts.rules.tell({ kind: 'attempt', job: uuid, why, ...amount })
  }
}

async function removeUnnamed(
  parts: JanitorParts,
  record: JobRecord,
  attempt: string,
  now: number,
): Promise<void> {
  const { store, rules, log } = parts
  const uuid = record.job.job_uuid
  try {
    const key = layout.manifest(uuid, attempt)
    const manifest = await openManifest(store, key)
    // Its uploader wrote none itself: on a lost node it may live, and what it brings is worth more.
    const mayLive = manifest === undefined || manifest.head.checkpoint !== undefined
    if (mayLive && now < Date.parse(record.ended_at) + day) return
    const isNamed = await namedIn(manifest)
    const amount = await removeListed(store, layout.attempt(uuid, attempt), {
      keep: (found) => isKept(found.slice(layout.attempt(uuid, attempt).length), isNamed),
      goOn: async () => (await store.head(key))?.etag === manifest?.etag,
      dryRun: rules.dryRun,
    })
    const why = `attempt ${attempt} has ended and its manifest does not name it`
    if (amount.objects > 0) rules.tell({ kind: 'object', job: uuid, why, ...amount })
  } catch (error) {
    if (!(error instanceof DamagedManifest)) throw error
    log.error({ job: uuid, error: error.message }, 'nothing is removed beside a result that is damaged')
  }
}

async function namedIn(manifest: Manifest | undefined): Promise<(key: string) => boolean> {
  if (manifest === undefined) return () => false
  const named = await NamedKeys.of(manifest)
  return (key) => named.has(key)
}

/** `path` is relative to the attempt's folder; what isn't known there isn't touched. */
function isKept(path: string, isNamed: (key: string) => boolean): boolean {
  if (path.startsWith('files/')) return isNamed(path.slice('files/'.length))
  return !path.startsWith('checkpoint/')
}
