import { within } from '../artifact/timers.ts'
import { messageOf } from '../errors.ts'
import { turnMilliseconds } from './endings.ts'
import { failureDelay, finishKey, type Tracked, type TrackedJob, type Tracking } from './tracked.ts'

export interface Finishing {
  /** Waits for what others still do for it, which may take a minute; never rejects. */
  untilFollowed(job: TrackedJob): Promise<void>
  /** Does what follows a job's end: archive and let go once it is told, or remove. Called again after a failure. */
  finish(job: TrackedJob, isTold: () => Promise<boolean>): Promise<void>
  isTold(tracked: Tracked): Promise<boolean>
}

/** Has a job finished that has ended, in `delay` milliseconds and again until that succeeds. */
export function planFinish(tracking: Tracking, tracked: Tracked, finishing: Finishing, delay = 0): void {
  const { queue } = tracking
  if (tracked.finished === 'removed' || (tracked.finished && !tracked.assessment.deleted)) return
  // A lookup may be making a manifest of checkpoints, which must not come after a removal.
  if (tracked.busy.has('finish') || tracked.busy.has('lookup')) return
  const key = finishKey(tracked.live.uuid)
  if (delay === 0 && queue.has(key)) return
  queue.set(key, Date.now() + delay, () => {
    tracked.working = finishInTurn(tracking, tracked, finishing)
    return tracked.working
  })
}

async function finishInTurn(tracking: Tracking, tracked: Tracked, finishing: Finishing): Promise<void> {
  const { isCurrent, backend } = tracking
  if (!isCurrent(tracked)) return
  tracked.busy.add('finish')
  // Without a slot, as dozens may wait at once.
  await finishing.untilFollowed(tracked)
  const take = () => tracking.slots.finish.take(tracked.assessment.deleted ? 'remove' : 'archive')
  let leave = await take()
  const isTold = async () => {
    const told = finishing.isTold(tracked)
    if (await within(turnMilliseconds, told)) return told
    // Others have their turn meanwhile: it may take a minute.
    leave()
    await told
    leave = await take()
    return told
  }
  let retryIn: number | undefined
  try {
    // Another replica may have done it meanwhile.
    if (isCurrent(tracked) && !tracked.gone && backend.holdsLease()) {
      retryIn = await finishOnce(tracking, tracked, { ...finishing, isTold })
    }
  } finally {
    leave()
    tracked.busy.delete('finish')
  }
  if (isCurrent(tracked) && retryIn !== undefined) planFinish(tracking, tracked, finishing, retryIn)
  else tracking.evaluate(tracked.live.uuid)
}

/** Resolves with the milliseconds until it is to be tried again. */
async function finishOnce(
  { log }: Tracking,
  tracked: Tracked,
  { finish, isTold }: Finishing,
): Promise<number | undefined> {
  try {
    // Else the stop could come into the store after all else of the job was removed from it.
    await tracked.announcement
    const { deleted } = tracked.assessment
    await finish({ ...tracked }, () => isTold(tracked))
    tracked.finished = deleted ? 'removed' : 'archived'
    tracked.failures = 0
    return undefined
  } catch (error) {
    const { uuid } = tracked.live
    log.warn({ job: uuid, error: messageOf(error) }, 'finishing a job failed and is tried again')
    return failureDelay(tracked.failures++)
  }
}
