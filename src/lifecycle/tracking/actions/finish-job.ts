import { within } from '../../../util/timers.ts'
import { isGivenUp } from '../known-job.ts'
import { endedJob } from '../policies/notify-end.ts'
import { type ActionOutcome, type ActionParts, again, done, type RunningJob } from './action-parts.ts'

/**
 * A consumer that is notified by the answer to its own long poll may take a minute; it holds its
 * slot no longer.
 */
const notifyMilliseconds = 3000

export async function notifyEnd(
  { notifyEnd, limits, clock }: ActionParts,
  job: RunningJob,
): Promise<ActionOutcome> {
  const leave = await limits.notify.acquire()
  const notified = notifyEnd(endedJob(job.known))
  try {
    await within(notifyMilliseconds, notified, clock)
  } finally {
    leave()
  }
  await notified
  return done
}

export async function archive(parts: ActionParts, job: RunningJob): Promise<ActionOutcome> {
  // Without a slot, as dozens may wait at once.
  await parts.untilFollowed(job.known)
  const leave = await parts.limits.archive.acquire('archive')
  try {
    if (!mayFinish(parts, job) || job.known.assessment.deleted) return again()
    await parts.archive(job.known)
    return done
  } finally {
    leave()
  }
}

export async function release(parts: ActionParts, job: RunningJob): Promise<ActionOutcome> {
  const leave = await parts.limits.release.acquire()
  try {
    if (!mayFinish(parts, job)) return again()
    await parts.release(job.known, isGivenUp(job.known))
    return done
  } finally {
    leave()
  }
}

export async function removeDeleted(parts: ActionParts, job: RunningJob): Promise<ActionOutcome> {
  const leave = await parts.limits.archive.acquire('remove')
  try {
    if (!mayFinish(parts, job)) return again()
    await parts.remove(job.known)
    return done
  } finally {
    leave()
  }
}

/** Another replica may have finished it while it waited for a slot. */
function mayFinish({ leadership }: ActionParts, { isCurrent, known }: RunningJob): boolean {
  return isCurrent && !known.gone && leadership.isLeader()
}
