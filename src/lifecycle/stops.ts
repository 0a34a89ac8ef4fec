import { messageOf } from '../errors.ts'
import { wasDisrupted } from '../job/disruption.ts'
import { due } from '../job/due.ts'
import type { Stop } from '../job/observation.ts'
import { announceStop } from './stored.ts'
import type { Tracked, Tracking } from './tracked.ts'

/**
 * Tells an uploader that is already storing of a stop: by the store, where it also outlives the uploader's program,
 * and by itself, since the store may be away (design: "Stopping early").
 */
export function announceStops(tracking: Tracking, tracked: Tracked): void {
  const { uuid, observation } = tracked.live
  const { stop, attempt } = observation
  const finishedAt = attempt?.worker.finishedAt
  const storing = finishedAt !== undefined && stop !== undefined && stop.at >= finishedAt
  if (!stop || tracked.announcement || !(storing || stop.outcome === 'deleted')) return
  tracked.announcement = announce(tracking, uuid, stop).catch((error: unknown) => {
    tracked.announcement = undefined
    tracking.log.warn({ job: uuid, error: messageOf(error) }, 'the uploader could not be told to stop')
    if (!tracking.isCurrent(tracked)) return
    tracking.queue.set(stopKey(uuid), Date.now() + 1000, () => tracking.evaluate(uuid))
  })
}

/** In both ways; one that arrives is enough. Settles when neither is under way. */
async function announce({ store, backend }: Tracking, uuid: string, stop: Stop): Promise<void> {
  const [stored, told] = await Promise.allSettled([announceStop(store, uuid, stop), backend.tell(uuid, stop)])
  if (stored.status === 'rejected' && told.status === 'rejected') throw stored.reason
}

/**
 * Stops a job that exceeds its time or its disruptions, or has it looked at when that would be. Who can't see what
 * happens, or could not until now, stops nothing: the worker may have started, or ended, in time.
 */
export function enforceLimits(tracking: Tracking, tracked: Tracked): void {
  const { backend, queue } = tracking
  const { uuid, observation, request } = tracked.live
  const key = limitKey(uuid)
  const next = due(observation, request, Date.now())
  if (!next) queue.delete(key)
  else if ('at' in next) queue.set(key, next.at, () => tracking.evaluate(uuid))
  if (!next || !('stop' in next)) return
  if (backend.isCurrent()) stopJob(tracking, tracked, next.stop)
  else queue.set(key, Date.now() + 1000, () => tracking.evaluate(uuid))
}

/**
 * Stops a job that has ended while its backend goes on: where a pod is disrupted after its work was done, or is
 * not worth repeating, another one follows. True while that is to be waited for.
 */
export function endRepeats(tracking: Tracking, tracked: Tracked): boolean {
  const { live, answer, assessment } = tracked
  const { stop, deletedAt, ended, attempt } = live.observation
  if (stop || deletedAt !== undefined || ended || !attempt) return false
  const shown = answer.attempt?.uid
  if (attempt.uid === shown && !wasDisrupted(live.observation, attempt)) return false
  const cause = assessment.cause ?? { reason: 'Interrupted', message: 'interrupted after its end' }
  const decided = { outcome: 'failed', at: Date.now(), cause } as const
  stopJob(tracking, tracked, shown === undefined ? decided : { ...decided, attempt: shown })
  return true
}

function stopJob({ backend, log, ...tracking }: Tracking, tracked: Tracked, stop: Stop): void {
  const { uuid } = tracked.live
  if (tracked.busy.has('stop')) return
  tracked.busy.add('stop')
  backend
    .stop(uuid, stop)
    .catch((error: unknown) => {
      log.warn({ job: uuid, error: messageOf(error) }, 'stopping a job failed and is tried again')
      if (!tracking.isCurrent(tracked)) return
      tracking.queue.set(limitKey(uuid), Date.now() + 1000, () => tracking.evaluate(uuid))
    })
    .finally(() => tracked.busy.delete('stop'))
}

export function limitKey(uuid: string): string {
  return `limit ${uuid}`
}

export function stopKey(uuid: string): string {
  return `stop ${uuid}`
}
