import { mkdir } from 'node:fs/promises'
import type { Cause } from '../../../job/job.ts'
import { messageOf } from '../../../util/errors.ts'
import { within } from '../../../util/timers.ts'
import { endAttempt, killAttempt } from '../recover.ts'
import { makeOrder } from '../supervisor/make-order.ts'
import { findSupervisor, startSupervisor } from '../supervisor/supervisor-process.ts'
import { type FollowedAttempt, followState } from './follow-state.ts'

/** Supervisors that end by themselves, without an end of the attempt. */
const tries = 5
const againMilliseconds = 1000

/**
 * Follows an attempt to its end, in the supervisor that runs it already or in a new one. Resolves
 * with a failure of this machine itself; early after `signals.close`, when the attempt goes on, and
 * once the record has dropped the attempt, which then begins anew. Rejects with SpawnError, and with
 * the file system's errors.
 */
export async function superviseAttempt(followed: FollowedAttempt): Promise<Cause | undefined> {
  const { run, job, attempt, signals } = followed
  for (let starts = 0; starts < tries; starts += 1) {
    const running = await untilKnown(followed, () => findSupervisor(attempt))
    if (signals.kill.isSet) return kill(followed)
    if (signals.close.isSet) return undefined
    if (running) attempt.supervisor = running
    else {
      if (attempt.supervisor !== undefined || job.mayRun) {
        const end = () => endAttempt(run.directory, job.record, attempt, run.log)
        const ended = await untilKnown(followed, end)
        if (!signals.kill.isSet && !signals.close.isSet) job.mayRun = false
        job.changed()
        if (ended) return ended.failure
        if (job.record.attempt === undefined) return undefined
      }
      if (signals.kill.isSet) return kill(followed)
      if (signals.close.isSet) return undefined
      await begin(followed)
    }
    const state = await followState(followed)
    if (signals.kill.isSet) return kill(followed)
    if (signals.close.isSet) return undefined
    if (state?.done) return state.failure
    run.log.warn({ job: job.uuid }, "the supervisor of a job's attempt has ended before it")
  }
  return { reason: 'Error', message: 'its supervisor ended several times; see supervisor.log in its folder' }
}

/** Starts a supervisor, which does what the attempt lacks. */
async function begin({ run, job, attempt, folders }: FollowedAttempt): Promise<void> {
  const { root, work, result, input, state, word } = folders
  for (const folder of [root, work, result, input, state, word])
    await mkdir(folder, { recursive: true, mode: 0o700 })
  const order = makeOrder(run, job.record, attempt, folders)
  // After a kill the next API finds the supervisor by the attempt's id: that has to be on disk
  // before. An attempt whose worker was started is there, and its results are not lost for it.
  if (attempt.worker.launchedAt === undefined) {
    job.changed()
    await job.save()
  } else await job.trySave(run.log)
  const supervisor = await startSupervisor(run.supervisorCommand, run.base, order)
  if (supervisor) attempt.supervisor = supervisor
  else job.mayRun = true
  await job.trySave(run.log)
}

async function kill({ run, job, attempt }: FollowedAttempt): Promise<undefined> {
  await killAttempt(attempt, job.uuid, run.log)
}

/**
 * Asks again as long as files can't be opened or read (EMFILE, EIO …): the attempt may run.
 * Undefined once the run is to end.
 */
async function untilKnown<T>(
  { run, job, signals }: FollowedAttempt,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  for (let isLogged = false; !signals.kill.isSet && !signals.close.isSet; isLogged = true) {
    try {
      return await ask()
    } catch (error) {
      const line = { job: job.uuid, error: messageOf(error) }
      if (!isLogged) run.log.warn(line, "the state of a job's attempt can not be read, and is read again")
    }
    await within(againMilliseconds, [signals.kill.happened, signals.close.happened])
  }
  return undefined
}
