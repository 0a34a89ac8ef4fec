import type { LiveJob } from '../../../job/backend.ts'
import type { LogName } from '../../../job/log-name.ts'
import type { Stop } from '../../../job/state/observation.ts'
import { messageOf } from '../../../util/errors.ts'
import { type Duty, progressOf } from '../known-job.ts'
import type { TrackingAction } from '../plan.ts'
import { failureDelay } from '../retry-delays.ts'
import { type ActionOutcome, type ActionParts, again, done, type RunningJob } from './action-parts.ts'
import { awaitJobs } from './await-jobs.ts'
import { archive, notifyEnd, release, removeDeleted } from './finish-job.ts'
import { askForRescue, lookUp } from './look-up.ts'
import { announceStop } from './stored-result.ts'

/**
 * Carries an action out; never rejects. A failure is logged and gives the delay until the next try.
 */
export async function runAction(
  parts: ActionParts,
  job: RunningJob,
  action: TrackingAction,
): Promise<ActionOutcome> {
  const { duty } = action
  try {
    return await run(parts, job, action)
  } catch (error) {
    parts.log.warn({ job: job.known.live.uuid, error: messageOf(error) }, failureMessages[duty])
    const delay = fixedDelays[duty] ?? failureDelay(progressOf(job.known, duty).failures)
    return { ...again(delay), failed: true }
  }
}

function run(parts: ActionParts, job: RunningJob, action: TrackingAction): Promise<ActionOutcome> {
  if ('attempt' in action) return followLog(parts, job, action.attempt)
  if ('stop' in action) return (action.duty === 'stop' ? stop : announce)(parts, job, action.stop)
  return steps[action.duty](parts, job)
}

async function letGo(
  { backend, log, onGivenUp }: ActionParts,
  { known }: RunningJob,
): Promise<ActionOutcome> {
  const { uuid } = known.live
  log.error(
    { job: uuid },
    'a deleted Job is released without its record in the store; this process goes on trying to write the record',
  )
  await backend.discard(uuid)
  onGivenUp()
  return done
}

/**
 * By the store, where the stop outlives the uploader's program, and to the uploader itself: one
 * that arrives is enough.
 */
async function announce(
  { store, backend }: ActionParts,
  { known }: RunningJob,
  stop: Stop,
): Promise<ActionOutcome> {
  const { uuid } = known.live
  const ways = [announceStop(store, uuid, stop), backend.notifyStop(uuid, stop)]
  const [stored, told] = await Promise.allSettled(ways)
  if (stored?.status === 'rejected' && told?.status === 'rejected') throw stored.reason
  return done
}

/** A stop shows in the observation after a second at most, by the watch. */
const stopMilliseconds = 1000

async function stop({ backend }: ActionParts, { known }: RunningJob, decided: Stop): Promise<ActionOutcome> {
  await backend.stop(known.live.uuid, decided)
  return again(stopMilliseconds)
}

/** Of steps, the logs of those before the one that runs would go with the pod as well. */
function startedPrograms({ observation: { attempt } }: LiveJob): LogName[] {
  const steps = attempt?.steps?.filter(({ startedAt }) => startedAt !== undefined)
  return steps?.map(({ name }): LogName => `step-${name}`) ?? ['worker']
}

async function followLog(parts: ActionParts, { known }: RunningJob, attempt: string): Promise<ActionOutcome> {
  for (const name of startedPrograms(known.live)) parts.followLog(known.live.uuid, attempt, name)
  return again(0, () => ({ followedLog: attempt }))
}

type Step = Exclude<TrackingAction, { stop: Stop } | { attempt: string }>['duty']

const steps: Record<Step, (parts: ActionParts, job: RunningJob) => Promise<ActionOutcome>> = {
  'await-jobs': awaitJobs,
  'look-up': lookUp,
  rescue: askForRescue,
  'notify-end': notifyEnd,
  archive,
  release,
  remove: removeDeleted,
  'let-go': letGo,
}

const failureMessages: Record<Duty, string> = {
  'await-jobs': 'looking at the jobs that a job waits for failed and is repeated',
  'look-up': "asking the store for a job's manifest failed and is repeated",
  rescue: 'starting a rescue failed and is repeated',
  'notify-end': "notifying a job's consumers of its end failed and is repeated",
  archive: 'archiving a job failed and is repeated',
  release: 'releasing a job in its backend failed and is repeated',
  remove: 'removing a deleted job failed and is repeated',
  'let-go': 'releasing a deleted Job without its record failed and is repeated',
  'announce-stop': 'notifying the uploader of the stop failed and is repeated',
  stop: 'stopping a job failed and is repeated',
  'follow-log': "following a worker's log failed",
}

/** Milliseconds. */
const fixedDelays: Partial<Record<Duty, number>> = {
  'let-go': 10_000,
  'announce-stop': 1000,
  stop: 1000,
}
