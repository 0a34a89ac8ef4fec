import type { Config } from '../config/config.ts'
import type { Job } from '../job/job.ts'
import type { Leadership } from '../job/leadership.ts'
import type { JobChange } from '../lifecycle/jobs.ts'
import { createJobCallbacks } from '../notifications/callbacks/job-callbacks.ts'
import { createJobEnds } from '../notifications/create-job-ends.ts'
import { createEventStreams } from '../notifications/events/streams.ts'
import type { Notifications } from '../notifications/notifications.ts'
import { createOutbox } from '../notifications/outbox/create-outbox.ts'
import type { ArtifactStore } from '../store/store.ts'
import { createOutgoingCalls } from '../util/egress/send.ts'
import type { Log } from '../util/log.ts'
import type { Metrics } from '../util/metrics.ts'

export interface RunningNotifications extends Notifications {
  /** For createJobs(). */
  notifyEnd(job: Job): Promise<void>
  /** For Jobs.watch(). */
  changed(change: JobChange): void
  /**
   * Begins to send, once the backend is started and every consumer and kind of message is
   * registered.
   */
  start(): void
  close(): Promise<void>
}

/** Given whole to each part of the notifications. */
export interface NotificationParts {
  store: ArtifactStore
  leadership: Leadership
  log: Log
  metrics: Metrics
}

export function createNotifications(
  config: Pick<Config, 'http' | 'outgoing' | 'callbacks' | 'events'>,
  parts: NotificationParts,
): RunningNotifications {
  const { store, log } = parts
  const { publicUrl } = config.http
  const ends = createJobEnds(store, log)
  const outgoing = createOutgoingCalls(config.outgoing)
  const outbox = createOutbox({
    ...parts,
    outgoing,
    keepsHistory: (job) => hasFolder(store, job),
  })
  const callbacks = createJobCallbacks({
    ...config.callbacks,
    ...{ ...parts, ends, outbox, outgoing, publicUrl },
  })
  const events = createEventStreams({ ...config.events, ...parts, publicUrl })
  return {
    ...{ ends, outbox, outgoing, callbacks, events },
    notifyEnd: (job) => ends.tell(job),
    changed(change) {
      events.changed(change)
      callbacks.watch(change)
    },
    start: () => outbox.start(),
    async close() {
      events.close()
      await callbacks.close()
      await outbox.close()
      await outgoing.close()
    },
  }
}

/** The history of a job's messages lies in its folder and is kept until that is removed. */
async function hasFolder(store: ArtifactStore, job: string): Promise<boolean> {
  for await (const _ of store.list(`jobs/${job}/`, { expected: 1 })) return true
  return false
}
