import { within } from '../artifact/timers.ts'
import { CannotStart, type Child, type Exit, startChild } from './child.ts'
import { workerEnvironment } from './environment.ts'
import { signalGroup, workerMarker } from './kill.ts'
import { type AttemptContext, graceLeft, killRest, saveIfPossible } from './run-context.ts'

/** A worker that is ended because this program ends may still write down where it was. */
const closingMilliseconds = 2000

/** Runs the worker to its end; nothing of it runs any more when that is written down. */
export async function runWorker(context: AttemptContext): Promise<void> {
  const { job, attempt, folders } = context
  const { worker, uid } = attempt
  const { command = [], args = [] } = job.record.request
  worker.launchedAt = Date.now()
  await saveIfPossible(context)
  try {
    const child = await startChild({
      command: [...command, ...args],
      env: workerEnvironment(context.base, job.record.environment, uid, folders),
      cwd: folders.work,
      logFile: folders.workerLog,
    })
    worker.startedAt = Date.now()
    if (child.ref) worker.process = child.ref
    await saveIfPossible(context)
    const exit = await endOfWorker(child, context)
    worker.finishedAt = exit.at
    worker.exitCode = exit.code
    await Promise.all([saveIfPossible(context), killRest(context, workerMarker(uid), child.ref, child.pid)])
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error
    worker.exitCode = error.exitCode
    worker.cause = { reason: 'Error', message: error.message }
    await saveIfPossible(context)
  }
}

/** SIGTERM on a stop, SIGKILL when its grace has passed or nothing is to be kept. */
async function endOfWorker(child: Child, context: AttemptContext): Promise<Exit> {
  const { stop, kill } = context.halt
  await Promise.race([child.exit, stop.happened, kill.happened])
  if (context.halt.closing) {
    signalGroup(child.pid, 'SIGTERM')
    await within(closingMilliseconds, child.exit)
  } else if (stop.isSet && !kill.isSet) {
    signalGroup(child.pid, 'SIGTERM')
    await within(graceLeft(context), child.exit, kill.happened)
  }
  if (stop.isSet || kill.isSet) signalGroup(child.pid, 'SIGKILL')
  return child.exit
}
