import { messageOf } from '../errors.ts'
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

/** Stops a job that exceeds its time, or has it looked at when that would be. */
export function enforceLimits(tracking: Tracking, tracked: Tracked): void {
  const { backend, log, queue } = tracking
  const { uuid, observation, request } = tracked.live
  const key = limitKey(uuid)
  const next = due(observation, request, Date.now())
  if (!next) queue.delete(key)
  else if ('at' in next) queue.set(key, next.at, () => tracking.evaluate(uuid))
  if (!next || 'at' in next || tracked.busy.has('stop')) return
  tracked.busy.add('stop')
  backend
    .stop(uuid, next.stop)
    .catch((error: unknown) => {
      log.warn({ job: uuid, error: messageOf(error) }, 'stopping a job failed and is tried again')
      if (tracking.isCurrent(tracked)) queue.set(key, Date.now() + 1000, () => tracking.evaluate(uuid))
    })
    .finally(() => tracked.busy.delete('stop'))
}

export function limitKey(uuid: string): string {
  return `limit ${uuid}`
}

export function stopKey(uuid: string): string {
  return `stop ${uuid}`
}
