import type { StepObservation } from '../../../job/state/observation.ts'
import { exitCodeIn } from '../../../job/steps/step-shell.ts'
import { nameOfProgram } from '../../../job/steps/step-states.ts'
import { within } from '../../../util/timers.ts'
import { readRegular } from '../files/open-regular.ts'
import { signalGroup, workerMarker } from '../process/kill-processes.ts'
import { addUse, measureUse } from '../process/measure-use.ts'
import { type Child, type Exit, SpawnError, startChild, terminatedCode } from '../process/start-child.ts'
import type { StepProgram } from '../supervisor/order.ts'
import { type AttemptContext, graceLeft, killRemaining, ownSignal } from './run-context.ts'

/**
 * Runs the steps, until one fails or the attempt is stopped; the end is recorded once none of their
 * processes run. Rejects with the file system's errors if the start can't be written down.
 */
export async function runWorker(context: AttemptContext): Promise<void> {
  const { attempt, steps, signals } = context
  const { worker } = attempt
  worker.launchedAt = Date.now()
  const names = steps.flatMap(({ name }) => name ?? [])
  if (names.length > 0) attempt.steps = names.map((name) => ({ name }))
  await context.save().catch((error: unknown) => {
    // Not written down, a worker would run a second time after a crash.
    delete worker.launchedAt
    throw error
  })
  for (const [index, step] of steps.entries()) {
    const exit = await runStep(context, step, attempt.steps?.[index])
    if (exit === undefined) break
    if (exit.code !== 0 || index === steps.length - 1) {
      worker.finishedAt = exit.at
      worker.exitCode = exit.code
      break
    }
    // The steps that were still to come make this no end of the worker.
    if (signals.stop.isSet || signals.kill.isSet) break
  }
  await context.trySave()
}

/** Undefined if it could not be started: the record has the reason. */
async function runStep(
  context: AttemptContext,
  { command, env, logFile, message, name }: StepProgram,
  record: StepObservation | undefined,
): Promise<Exit | undefined> {
  const { attempt, folders } = context
  const { worker, uid } = attempt
  if (name !== undefined) worker.step = name
  // Before its start: it may have ended when startChild() resolves.
  const startedAt = Date.now()
  try {
    const child = await startChild({ command, env, cwd: folders.work, logFile })
    const used = measureUse(child.pid)
    worker.startedAt ??= startedAt
    if (record) record.startedAt = startedAt
    if (child.ref) worker.process = child.ref
    await context.trySave()
    const exit = await endOfWorker(child, context)
    attempt.used = addUse(attempt.used, used())
    await killRemaining(context, workerMarker(uid), child.ref, child.pid)
    if (record) Object.assign(record, { finishedAt: exit.at, exitCode: await ownCode(exit, message) })
    return exit
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error
    const { exitCode } = error
    const finishedAt = Date.now()
    const ofStep = name === undefined ? '' : `${nameOfProgram(name)} couldn't run: `
    worker.exitCode = exitCode
    worker.cause = { reason: 'Error', message: `${ofStep}${error.message}` }
    // The steps before have left results.
    if (worker.startedAt !== undefined) worker.finishedAt = finishedAt
    if (record) Object.assign(record, { finishedAt, exitCode })
    return undefined
  }
}

/** Of the step's program: where its failure is ignored, the exit code of its shell is 0. */
async function ownCode({ code }: Exit, message: string | undefined): Promise<number> {
  if (message === undefined || code !== 0) return code
  return exitCodeIn(await readRegular(message).catch(() => undefined)) ?? code
}

/** On a stop the worker gets SIGTERM, and SIGKILL after the grace period or on `kill`. */
async function endOfWorker(child: Child, context: AttemptContext): Promise<Exit> {
  const { stop, kill } = context.signals
  const first = await Promise.race([child.exit, stop.happened, kill.happened])
  // Recorded after the supervisor's own SIGTERM, its end is an interruption.
  if (first?.code === terminatedCode) await ownSignal(context)
  if (stop.isSet && !kill.isSet) {
    signalGroup(child.pid, 'SIGTERM')
    await within(graceLeft(context), [child.exit, kill.happened])
  }
  if (stop.isSet || kill.isSet) signalGroup(child.pid, 'SIGKILL')
  return child.exit
}
