import type { AmqpGroup } from '../config/groups/amqp-group.ts'
import type { HttpOptions } from '../http/options.ts'
import type { Services } from '../http/services.ts'
import type { JobChange } from '../lifecycle/jobs.ts'
import type { Broker } from './broker/broker.ts'
import { brokerNames } from './broker/names.ts'
import { createConsumer } from './incoming/consumer.ts'
import { createAnnouncements } from './outgoing/announcements.ts'

export interface MessagingParts {
  settings: AmqpGroup
  broker: Broker
  services: Services
  options: HttpOptions
  namespace: string
}

/** Jobs by messages of a queue, and events about them: docs/messages.md. */
export interface Messaging {
  /** For Jobs.watch(). */
  changed(change: JobChange): void
  /** Begins to take messages, once the backend is started. */
  start(): void
  /** Takes no more, and finishes those in hand. The broker is closed after the outbox. */
  close(): Promise<void>
}

/** Registers itself with the outbox and the jobs' ends: to be called before they start. */
export function createMessaging(parts: MessagingParts): Messaging {
  const { settings, broker, services, options, namespace } = parts
  const { caller } = settings
  const { notifications, log, metrics } = services
  const { publicUrl } = options
  const names = brokerNames(settings)
  const source = publicUrl ?? `urn:jobferry:${namespace}`
  const announcements = createAnnouncements({
    ...{ ...services, ...notifications, ...settings, broker, source, publicUrl },
    exchange: names.exchange,
  })
  const { notify } = announcements
  const consumer = createConsumer({
    ...{ services, options, namespace, caller, notify, broker, names, source, log, metrics },
  })
  return {
    changed: (change) => announcements.watch(change),
    start: () => consumer.start(),
    async close() {
      await consumer.close()
      await announcements.close()
    },
  }
}
