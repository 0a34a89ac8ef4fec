import type { Packing } from '../../../result-format/result-layout.ts'
import type { ResultLimits } from '../../../result-format/result-limits.ts'
import type { StoreForUploaders } from '../../../store/store-factory.ts'
import type { Log } from '../../../util/log.ts'
import { OneShotEvent } from '../../../util/one-shot-event.ts'
import { within } from '../../../util/timers.ts'
import { killMarked } from '../process/kill-processes.ts'
import type { ProcessRef } from '../process/process-table.ts'
import type { SupervisorOrder } from '../supervisor/order.ts'

/** The backend's parts that every run needs. */
export interface RunContext {
  directory: string
  store: StoreForUploaders
  credentialsDirectory: string
  secretsDirectory: string | undefined
  packing: Packing
  limits: ResultLimits | undefined
  uploaderCommand: readonly string[]
  deliveryCommand: readonly string[]
  supervisorCommand: readonly string[]
  /** baseEnvironment() */
  base: Record<string, string>
  log: Log
}

/** One running attempt, in its supervisor. */
export interface AttemptContext extends SupervisorOrder {
  signals: RunSignals
  log: RunLog
  /** When its supervisor learned that the attempt is to stop; undefined until `signals.stop`. */
  stoppedAt(): number | undefined
  /** Writes the attempt down as it is now; rejects with the file system's errors. */
  save(): Promise<void>
  /** As save(), but never rejects. */
  trySave(): Promise<void>
}

export interface RunLog {
  error(line: object, message: string): void
  warn(line: object, message: string): void
}

/** Asks a run to end early. */
export class RunSignals {
  /** Stops the job with its grace period; its record has the reason. */
  readonly stop = new OneShotEvent()
  /** Kills all of its processes immediately. */
  readonly kill = new OneShotEvent()
  /** This program ends: its jobs go on, and the next one follows them. */
  readonly close = new OneShotEvent()
}

/**
 * The rest of `stop_grace_seconds` in milliseconds, which worker and uploader share; infinite
 * without a stop.
 */
export function graceLeft({ stoppedAt, stopGraceSeconds }: AttemptContext): number {
  const at = stoppedAt()
  return at === undefined ? Number.POSITIVE_INFINITY : at + stopGraceSeconds * 1000 - Date.now()
}

const ownSignalMilliseconds = 1000

/**
 * After a child's end that a SIGTERM may have caused. systemd, or a shutdown of the machine, sends
 * it to all processes: the supervisor's own may be the last.
 */
export async function ownSignal({ signals }: AttemptContext): Promise<void> {
  await within(ownSignalMilliseconds, [signals.stop.happened, signals.kill.happened])
}

/**
 * Kills the processes that still have the marker, and waits for the end of `group`, which was just
 * killed.
 */
export async function killRemaining(
  { job, log }: AttemptContext,
  marker: string,
  leader: ProcessRef | undefined,
  group?: number,
): Promise<void> {
  if (await killMarked(marker, leader, group)) return
  log.error({ job, marker }, 'processes of a job can not be killed')
}
