import type { ArtifactStore } from '../artifact/store.ts'
import type { Job } from '../job/job.ts'
import type { JobChange } from '../lifecycle/jobs.ts'
import type { Log } from '../log.ts'
import { type Callbacks, createCallbacks } from './callbacks/callbacks.ts'
import type { CallbackSecrets } from './callbacks/secrets.ts'
import { createJobEnds } from './create-job-ends.ts'
import { createEventStreams, type EventStreams } from './events/streams.ts'
import type { JobEnds } from './job-ends.ts'
import { createOutbox } from './outbox/create-outbox.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { Lease } from './outbox/sender.ts'
import type { Outgoing } from './outgoing/outgoing.ts'
import { createOutgoing, type OutgoingSettings } from './outgoing/send.ts'

export interface CompletionParts {
  store: ArtifactStore
  lease: Lease
  log: Log
  outgoing: OutgoingSettings
  callbackSecrets: CallbackSecrets
  /** How often a stream of events says that it is still there. */
  heartbeatMilliseconds: number
  publicUrl?: string | undefined
}

/** What has to do with jobs that are waited for. */
export interface Completion {
  ends: JobEnds
  outbox: Outbox
  outgoing: Outgoing
  callbacks: Callbacks
  events: EventStreams
}

/**
 * `tellEnd` is for createJobs(), `changed` for Jobs.watch(). `start` begins to send, once the backend has been started and every consumer and
 * kind of message is registered; `close` ends it.
 */
export function createCompletion(parts: CompletionParts): Completion & {
  tellEnd(job: Job): Promise<void>
  changed(change: JobChange): void
  start(): void
  close(): Promise<void>
} {
  const { store, lease, log } = parts
  const ends = createJobEnds(store, log)
  const outgoing = createOutgoing(parts.outgoing)
  const outbox = createOutbox({ store, outgoing, log, lease, keepsHistory: (job) => isKept(store, job) })
  const { callbackSecrets: secrets, publicUrl } = parts
  const callbacks = createCallbacks({ ends, outbox, outgoing, lease, log, secrets, publicUrl })
  const events = createEventStreams(parts)
  return {
    ends,
    outbox,
    outgoing,
    callbacks,
    events,
    tellEnd: (job) => ends.tell(job),
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

/** Whoever is called because of a job stands in its folder, until that is removed. */
async function isKept(store: ArtifactStore, job: string): Promise<boolean> {
  for await (const _ of store.list(`jobs/${job}/`, { expected: 1 })) return true
  return false
}
