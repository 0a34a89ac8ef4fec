import type { Publication } from '../broker/broker.ts'
import type { BrokerNames } from '../broker/names.ts'
import { eventId, publicationOf, typePrefix } from '../outgoing/cloud-event.ts'

/** An event that answers a message. */
export interface Reply {
  /** The message's id. */
  id: string
  /** `deferred`: it is tried again by itself. */
  event: 'accepted' | 'deferred' | 'refused'
  data: unknown
}

export interface ReplyParts {
  names: BrokerNames
  source: string
}

/** A redelivered message is answered with the same event's id. */
export function replyTo({ id, event, data }: Reply, { names, source }: ReplyParts): Publication {
  return publicationOf(
    {
      specversion: '1.0',
      id: eventId(source, id, event),
      source,
      type: `${typePrefix}message.${event}`,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      correlationid: id,
      data,
    },
    names.exchange,
  )
}
