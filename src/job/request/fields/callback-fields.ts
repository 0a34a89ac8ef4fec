import * as z from 'zod'
import { eventTypes } from '../../event-type.ts'
import { optional } from '../field.ts'
import * as s from '../field-schemas.ts'

const oneOfEvents = `one of ${eventTypes.join(', ')}`

/** Who is told of the job. */
export const callbackFields = {
  callback: optional(s.httpUrl, {
    query: 'text',
    about: 'a URL to which signed messages about the job are sent: [callbacks.md](callbacks.md)',
  }),
  callback_events: optional(
    z
      .array(z.enum(eventTypes, oneOfEvents), `a list of events: ${eventTypes.join(', ')}`)
      .refine((events) => events.length > 0, `at least ${oneOfEvents}`),
    { query: 'list', about: 'the events that are sent to `callback`', absent: "the job's end" },
  ),
}
