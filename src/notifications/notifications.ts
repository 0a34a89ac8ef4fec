import type { OutgoingCalls } from '../util/egress/outgoing-calls.ts'
import type { JobCallbacks } from './callbacks/job-callbacks.ts'
import type { EventStreams } from './events/streams.ts'
import type { JobEnds } from './job-ends.ts'
import type { Outbox } from './outbox/outbox.ts'

/** Everything that tells callers, connectors and streams about jobs. */
export interface Notifications {
  ends: JobEnds
  outbox: Outbox
  outgoing: OutgoingCalls
  callbacks: JobCallbacks
  events: EventStreams
}
