import type { Entry } from '../result-format/entry.ts'
import type { ArtifactStore } from '../store/store.ts'
import type { Clock } from '../util/clock.ts'
import { Problem } from '../util/errors.ts'
import type { Log } from '../util/log.ts'
import type { Damages } from './damages.ts'
import { shownPath } from './serve/readable-file.ts'
import type { SharedReads } from './serve/shared/shared-reads.ts'
import type { TextKinds } from './text-kinds.ts'

/** The location of an attempt's files, and the receivers of reports on damage. */
export interface FileSource {
  store: ArtifactStore
  uuid: string
  attempt: string
  /** For messages, of what is no job's; absent: the job. */
  of?: string
  /** True if the job is not final: its files may be replaced at any time. */
  provisional: boolean
  log: Log
  damages: Damages
  textKinds: TextKinds
  sharedReads: SharedReads
  clock: Clock
}

/** Logs the damage and shows it in lists from now on; does nothing if the job is not final. */
export function reportDamage(source: FileSource, file: Entry, problem: string): void {
  if (source.provisional) return
  const { uuid, attempt, log, damages } = source
  const fields = { job: uuid, attempt, file: shownPath(file), key: file.key, problem }
  log.error(fields, 'a result in the store is damaged')
  damages.note(attempt, file, problem)
}

/**
 * Reports the damage. Returns the Problem `result-damaged`, or `not-final` if the job is not final.
 */
export function damagedFile(source: FileSource, file: Entry, problem: string, cause?: unknown): Problem {
  reportDamage(source, file, problem)
  if (source.provisional) {
    const detail = `${shownPath(file)} of job ${source.uuid}, which isn't final, was replaced meanwhile`
    return new Problem('not-final', detail, { retryAfterSeconds: 1, cause })
  }
  const whose = source.of ?? `job ${source.uuid}`
  const detail = `${shownPath(file)} of ${whose} differs from the committed file: ${problem}`
  return new Problem('result-damaged', detail, { cause })
}
