import { access } from 'node:fs/promises'
import type { Cause } from '../../../job/job.ts'
import { timeoutStop } from '../../../job/state/deadlines.ts'
import type { Stop } from '../../../job/state/observation.ts'
import { nameOfProgram } from '../../../job/steps/step-states.ts'
import { killOrphans, uploaderMarker, workerMarker } from '../process/kill-processes.ts'
import { terminatedCode } from '../process/start-child.ts'
import { type LocalAttemptRecord, readJob } from '../record/local-job-record.ts'
import type { RunSignals } from '../run/run-context.ts'
import type { AttemptState } from './attempt-state.ts'
import type { SupervisorOrder } from './order.ts'

interface Watched {
  order: SupervisorOrder
  signals: RunSignals
  state: AttemptState
  save(): Promise<void>
}

/**
 * Finds out that an attempt is to end early: by the API's decision in the job's record, by SIGTERM,
 * by `timeout_seconds`, which no API may be there to enforce, or as the folder was removed.
 */
export class StopWatch {
  readonly #watched: Watched
  #at: number | undefined
  #terminating: Promise<void> | undefined

  constructor(watched: Watched) {
    this.#watched = watched
  }

  /**
   * When this process learned of the stop: the grace period begins then, however long the decision
   * has waited for a reader.
   */
  get at(): number | undefined {
    return this.#at
  }

  async look(): Promise<void> {
    const { order, state } = this.#watched
    await endWithoutFolder(order)
    const decided = await decidedStop(order)
    if (decided) return this.#stop(decided.outcome)
    const overtime = this.#at === undefined ? overtimeStop(order, Date.now()) : undefined
    if (overtime === undefined) return
    state.stop = overtime
    this.#stop(state.stop.outcome)
    await this.#watched.save()
  }

  terminate(): void {
    this.#terminating ??= this.#terminate().finally(() => {
      this.#terminating = undefined
    })
  }

  /** Resolves once no SIGTERM is being handled. */
  async settled(): Promise<void> {
    await this.#terminating
  }

  /**
   * SIGTERM carries the API's decision, or comes from somebody else: `kill`, systemd, a shutdown of
   * the machine. A running worker is then interrupted; before its start and after its end nothing
   * is lost if the next API goes on with the attempt.
   */
  async #terminate(): Promise<void> {
    const { order, state } = this.#watched
    const { attempt } = order
    const decided = await decidedStop(order)
    if (decided) return this.#stop(decided.outcome)
    if (!isRunning(attempt)) process.exit(terminatedCode)
    const cause: Cause = { reason: 'Interrupted', message: 'its supervisor was told to stop by SIGTERM' }
    if (state.stop === undefined) attempt.interrupted ??= { ...cause, at: Date.now() }
    this.#stop('failed')
  }

  #stop(outcome: Stop['outcome']): void {
    const { signals } = this.#watched
    this.#at ??= Date.now()
    signals.stop.set()
    if (outcome === 'deleted') signals.kill.set()
  }
}

/** Undefined also if the record can't be read now: the next look may read it. */
async function decidedStop({ jobFolders }: SupervisorOrder): Promise<Stop | undefined> {
  const record = await readJob(jobFolders).catch(() => undefined)
  return record?.stop
}

function isRunning({ worker }: LocalAttemptRecord): boolean {
  return worker.startedAt !== undefined && worker.finishedAt === undefined && worker.cause === undefined
}

/** Undefined while neither the worker nor the step that runs has reached its limit. */
function overtimeStop({ attempt, timeoutSeconds, steps }: SupervisorOrder, now: number): Stop | undefined {
  if (!isRunning(attempt)) return undefined
  const running = attempt.steps?.findIndex((step) => step.startedAt !== undefined && !step.finishedAt) ?? -1
  const step = attempt.steps?.[running]
  const limits = [
    { seconds: timeoutSeconds, startedAt: attempt.worker.startedAt, program: nameOfProgram(undefined) },
    {
      seconds: steps[running]?.timeoutSeconds,
      startedAt: step?.startedAt,
      program: nameOfProgram(step?.name),
    },
  ]
  for (const { seconds, startedAt, program } of limits) {
    if (seconds === undefined || startedAt === undefined || now < startedAt + seconds * 1000) continue
    return timeoutStop(seconds, now, program)
  }
  return undefined
}

/** The job was removed, by hand or by an API that could not end this process. */
async function endWithoutFolder({ attempt, folders }: SupervisorOrder): Promise<void> {
  const isThere = await access(folders.root).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  if (isThere) return
  await killOrphans(attempt.worker.process, workerMarker(attempt.uid))
  await killOrphans(attempt.uploader.process, uploaderMarker(attempt.uid))
  process.exit(1)
}
