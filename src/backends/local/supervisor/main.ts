import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cause } from '../../../job/job.ts'
import { messageOf } from '../../../util/errors.ts'
import { refOf } from '../process/process-table.ts'
import { machineFailure } from '../run/machine-failure.ts'
import { runAttempt } from '../run/run-attempt.ts'
import { type AttemptContext, type RunLog, RunSignals } from '../run/run-context.ts'
import { type AttemptState, makeReserve, removeReserve, writeState } from './attempt-state.ts'
import type { SupervisorOrder } from './order.ts'
import { StopWatch } from './stop-watch.ts'

const saveAgainMilliseconds = 1000
const lookMilliseconds = 2000

/**
 * Runs one attempt of a job in a process of its own: its steps, its uploader. It goes on without the
 * API, and writes each step down, so that the same API or the next one follows it. SIGTERM, SIGINT
 * and SIGHUP stop the attempt, with its grace period and its results.
 */
async function main(): Promise<void> {
  // Its log is on the disk that a job may fill.
  process.stderr.on('error', () => undefined)
  // A terminal's signals are not for it: it is in a session of its own. Until the order is read
  // nothing has been started.
  const order = JSON.parse(await text(process.stdin)) as SupervisorOrder
  const { attempt, folders } = order
  const own = refOf(process.pid)
  if (own) attempt.supervisor = own
  attempt.host = hostname()
  const signals = new RunSignals()
  const state: AttemptState = { version: 1, attempt }
  let saved: Promise<unknown> = Promise.resolve()
  // One after the other: an older state must not replace a newer one.
  const save = (): Promise<void> => {
    const saving = saved.then(() => writeState(folders.root, state))
    saved = saving.catch(() => undefined)
    return saving
  }
  const trySave = async () => void (await isSaved(save))
  const stops = new StopWatch({ order, signals, state, save: trySave })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => stops.terminate())
  const context: AttemptContext = { ...order, signals, log, stoppedAt: () => stops.at, save, trySave }
  // The API sends SIGTERM once it has read this supervisor's state.
  await stops.look()
  await makeReserve(folders.root)
  await trySave()
  const looking = setInterval(() => void stops.look(), lookMilliseconds)
  const failure = await localFailure(context)
  // A SIGTERM to all ends the uploader, too: the attempt is then not done.
  await stops.settled()
  state.done = true
  if (failure) state.failure = failure
  while (!(await isSaved(save))) await delay(saveAgainMilliseconds)
  clearInterval(looking)
  await removeReserve(folders.root).catch(() => undefined)
}

/** Resolves with a failure of this machine itself: a full disk, an uploader that can't start. */
async function localFailure(context: AttemptContext): Promise<Cause | undefined> {
  try {
    await runAttempt(context)
    return undefined
  } catch (error) {
    const failure = machineFailure(error, 'the uploader')
    log.error({ job: context.job, error: failure.message }, 'a job can not be run')
    return failure
  }
}

/** False if it could not be written: a full disk must not keep a job from ending. */
async function isSaved(save: () => Promise<void>): Promise<boolean> {
  try {
    await save()
    return true
  } catch (error) {
    log.error({ error: messageOf(error) }, 'the state of an attempt can not be written')
    return false
  }
}

/** Into `supervisor.log` in the attempt's folder. */
function writeLine(level: string) {
  return (line: object, msg: string) => {
    process.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), ...line, msg })}\n`)
  }
}

const log: RunLog = { error: writeLine('error'), warn: writeLine('warn') }

await main()
