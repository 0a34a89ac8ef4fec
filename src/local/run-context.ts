import type { Packing } from '../artifact/result-layout.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { LocalStore } from './environment.ts'
import type { AttemptFolders } from './folders.ts'
import type { JobEntry } from './job-entry.ts'
import { killCarriers } from './kill.ts'
import { Latch } from './latch.ts'
import type { ProcessRef } from './process-table.ts'
import type { AttemptRecord } from './record.ts'

/** What every run of a job needs of its backend. */
export interface RunContext {
  directory: string
  store: LocalStore
  credentialsDirectory: string
  packing: Packing
  uploaderCommand: readonly string[]
  /** What children get of this program's environment. */
  base: Record<string, string>
  log: Log
}

/** One attempt under way. */
export interface AttemptContext extends RunContext {
  job: JobEntry
  attempt: AttemptRecord
  folders: AttemptFolders
  halt: Halt
}

/** How a run is told to end before its time. */
export class Halt {
  /** The job is to stop; its record says why. */
  readonly stop = new Latch()
  /** Everything of it is to be killed at once. */
  readonly kill = new Latch()
  /** This program ends: what was killed is taken up again by the next one, by the record as it is. */
  closing = false
}

/** A disk that is full must not keep a job from ending: what isn't written down is lost only with a crash. */
export async function saveIfPossible({ job, halt, log }: AttemptContext): Promise<void> {
  if (halt.closing) return
  job.changed()
  await job.save().catch((error: unknown) => {
    log.error({ job: job.uuid, error: messageOf(error) }, 'a job can not be written down')
  })
}

/** What is left of `stop_grace_seconds` in milliseconds, which worker and uploader share; infinite without a stop. */
export function graceLeft({ job: { record } }: AttemptContext): number {
  const { stop, request } = record
  return stop === undefined
    ? Number.POSITIVE_INFINITY
    : stop.at + request.stop_grace_seconds * 1000 - Date.now()
}

/** Kills what carries the marker still, and waits for `group` to be gone, which was killed just now. */
export async function killRest(
  { job, log }: AttemptContext,
  marker: string,
  leader: ProcessRef | undefined,
  group?: number,
): Promise<void> {
  if (await killCarriers(marker, leader, group)) return
  log.error({ job: job.uuid, marker }, 'processes of a job can not be killed')
}
