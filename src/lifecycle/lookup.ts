import { messageOf } from '../errors.ts'
import type { LiveJob } from '../job/backend.ts'
import { manifestLookupDelay } from '../job/due.ts'
import { lookUpManifest } from './stored.ts'
import { failureDelay, isEnded, type Tracked, type Tracking } from './tracked.ts'

/** Has the store asked for the job's manifest, in `delay` milliseconds and then until its state is decided. */
export function planLookup(tracking: Tracking, tracked: Tracked, delay = 0): void {
  const { queue } = tracking
  const key = lookupKey(tracked.live.uuid)
  if (tracked.busy.has('lookup') || (delay === 0 && queue.has(key) && !isEnded(tracked.live))) return
  queue.set(key, Date.now() + delay, () => lookUp(tracking, tracked))
}

export function lookupKey(uuid: string): string {
  return `lookup ${uuid}`
}

async function lookUp(tracking: Tracking, tracked: Tracked): Promise<void> {
  const { store, backend, log } = tracking
  const { uuid } = tracked.live
  const ended = isEnded(tracked.live)
  let retryIn = manifestLookupDelay(Date.now() - workersEnd(tracked.live))
  tracked.busy.add('lookup')
  try {
    const settles = ended && backend.holdsLease()
    const found = await lookUpManifest(store, uuid, tracked.attempt, settles, ({ message }) =>
      log.error({ job: uuid, error: message }, 'a damaged part of a result is left out'),
    )
    tracked.failures = 0
    if (found.attempt !== undefined) tracked.attempt = found.attempt
    if (found.stored !== undefined) {
      tracked.stored = found.stored
      tracked.storedFor = tracked.attempt
    }
  } catch (error) {
    retryIn = Math.max(retryIn, failureDelay(tracked.failures++))
    log.warn({ job: uuid, error: messageOf(error) }, 'the store was asked for a manifest in vain')
  } finally {
    tracked.busy.delete('lookup')
  }
  if (!tracking.isCurrent(tracked)) return
  tracking.evaluate(uuid)
  // Ended meanwhile: what is absent now counts, at once.
  if (tracking.isCurrent(tracked) && tracked.assessment.awaitsManifest && !tracked.assessment.deleted) {
    planLookup(tracking, tracked, isEnded(tracked.live) && !ended ? 0 : Math.max(1, retryIn))
  }
}

function workersEnd({ observation }: LiveJob): number {
  return observation.attempt?.worker.finishedAt ?? observation.createdAt
}
