import { createHash } from 'node:crypto'
import type { Publication } from '../broker/broker.ts'

/** A CloudEvent 1.0 in its JSON form. */
export interface CloudEvent {
  specversion: '1.0'
  id: string
  source: string
  type: string
  /** The job's uuid. */
  subject?: string
  time: string
  datacontenttype: 'application/json'
  /** Extension: the id of the message that the event answers, or that made its job. */
  correlationid?: string
  data: unknown
}

export const typePrefix = 'dev.jobferry.'
export const cloudEventType = 'application/cloudevents+json'

/** An id that is the same whenever, and wherever, an event of these parts is made again. */
export function eventId(...parts: readonly (string | number)[]): string {
  return `evt_${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)}`
}

/** The event as a message for the topic exchange; its key is the type behind `dev.jobferry.`. */
export function publicationOf(event: CloudEvent, exchange: string): Publication {
  return {
    exchange,
    key: event.type.slice(typePrefix.length),
    content: Buffer.from(JSON.stringify(event)),
    options: {
      contentType: cloudEventType,
      messageId: event.id,
      type: event.type,
      appId: 'jobferry',
      timestamp: Math.floor(Date.parse(event.time) / 1000),
      ...(event.correlationid !== undefined && { correlationId: event.correlationid }),
    },
  }
}
