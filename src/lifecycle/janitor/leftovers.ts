import { jobKeys } from '../../result-format/job-keys.ts'
import { DamagedManifest } from '../../result-format/manifest/manifest-format.ts'
import { type Manifest, openManifest } from '../../result-format/manifest/manifest-reader.ts'
import { type Amount, removeListed } from '../archive/remove-listed.ts'
import type { FinalRecord } from '../records/final-record.ts'
import { listAttempts } from '../records/list-attempts.ts'
import { day } from '../records/retention.ts'
import { NamedKeys } from './named-keys.ts'
import { abortUploads, isCurrentRecord, type JanitorParts, removeAttempts } from './parts.ts'

/**
 * Removes what a finished job left beside its result: open multipart uploads, attempts that later
 * ones replaced, a result that `outputs.when` does not keep, and objects in the shown attempt's
 * folder that its manifest doesn't name. Keeps named objects and logs.
 */
export async function removeLeftovers(parts: JanitorParts, record: FinalRecord, now: number): Promise<void> {
  const { job_uuid: uuid, attempt: shown } = record.job
  const attempts = await listAttempts(parts.store, uuid)
  if (!(await isCurrentRecord(parts, record))) return
  for (const attempt of attempts) {
    if (attempt !== shown?.uid) {
      const why = `attempt ${attempt} was replaced by a later one: the results are those of ${shown?.uid ?? 'no attempt'}`
      report(parts, uuid, why, await removeAttempts(parts, uuid, [attempt]))
    } else if (await isUnwanted(parts, record, attempt)) {
      const why = "the request's `outputs.when` does not keep this result"
      report(parts, uuid, why, await removeAttempts(parts, uuid, [attempt], { keep: isLog(uuid, attempt) }))
    } else {
      await abortUploads(parts, uuid, attempt)
      await removeUnnamed(parts, record, attempt, now)
    }
  }
}

function report({ rules }: JanitorParts, job: string, why: string, amount: Amount): void {
  if (amount.objects > 0) rules.report({ kind: 'attempt', job, why, ...amount })
}

/**
 * True if the attempt has a result that `outputs.when` does not keep. Without a manifest an uploader
 * on a lost node may still run: removeUnnamed() waits for a day.
 */
async function isUnwanted(
  { store }: Pick<JanitorParts, 'store'>,
  { job, request }: FinalRecord,
  attempt: string,
): Promise<boolean> {
  const { when = 'always' } = request.outputs ?? {}
  if (when === 'always' || job.result.state !== 'missing') return false
  return (await store.head(jobKeys.manifest(job.job_uuid, attempt))) !== undefined
}

function isLog(uuid: string, attempt: string): (key: string) => boolean {
  return (key) => key.startsWith(jobKeys.logs(uuid, attempt))
}

async function removeUnnamed(
  parts: JanitorParts,
  record: FinalRecord,
  attempt: string,
  now: number,
): Promise<void> {
  const { store, rules, log } = parts
  const uuid = record.job.job_uuid
  try {
    const key = jobKeys.manifest(uuid, attempt)
    const manifest = await openManifest(store, key)
    // Its uploader has written no manifest: on a lost node it may still run and write a complete
    // one.
    const mayLive = manifest === undefined || manifest.head.checkpoint !== undefined
    if (mayLive && now < Date.parse(record.ended_at) + day) return
    const isNamed = await namedIn(manifest)
    const amount = await removeListed(store, jobKeys.attempt(uuid, attempt), {
      keep: (found) => isKept(found.slice(jobKeys.attempt(uuid, attempt).length), isNamed),
      goOn: async () => (await store.head(key))?.etag === manifest?.etag,
      dryRun: rules.dryRun,
    })
    const why = `attempt ${attempt} has ended and its manifest does not name it`
    if (amount.objects > 0) rules.report({ kind: 'object', job: uuid, why, ...amount })
  } catch (error) {
    if (!(error instanceof DamagedManifest)) throw error
    log.error({ job: uuid, error: error.message }, 'the objects beside a damaged result are kept')
  }
}

async function namedIn(manifest: Manifest | undefined): Promise<(key: string) => boolean> {
  if (manifest === undefined) return () => false
  const named = await NamedKeys.of(manifest)
  return (key) => named.has(key)
}

/**
 * `path` is relative to the attempt's folder. Objects outside `files/` and `checkpoint/` are kept.
 */
function isKept(path: string, isNamed: (key: string) => boolean): boolean {
  if (path.startsWith('files/')) return isNamed(path.slice('files/'.length))
  return !path.startsWith('checkpoint/')
}
