import type { ArtifactStore } from '../artifact/store.ts'
import type { Job } from '../job/job.ts'
import type { Log } from '../log.ts'
import { createJobEnds } from './create-job-ends.ts'
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
}

/** What has to do with jobs that are waited for. */
export interface Completion {
  ends: JobEnds
  outbox: Outbox
  outgoing: Outgoing
}

/**
 * `tellEnd` is for createJobs(). `start` begins to send, once the backend has been started and every consumer and
 * kind of message is registered; `close` ends it.
 */
export function createCompletion(parts: CompletionParts): Completion & {
  tellEnd(job: Job): Promise<void>
  start(): void
  close(): Promise<void>
} {
  const { store, lease, log } = parts
  const ends = createJobEnds(store, log)
  const outgoing = createOutgoing(parts.outgoing)
  const outbox = createOutbox({ store, outgoing, log, lease })
  return {
    ends,
    outbox,
    outgoing,
    tellEnd: (job) => ends.tell(job),
    start: () => outbox.start(),
    async close() {
      await outbox.close()
      await outgoing.close()
    },
  }
}
