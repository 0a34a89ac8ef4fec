import * as z from 'zod'
import { eventTypes } from '../../job/event-type.ts'
import { linkedJobSchema } from '../../job/links.ts'
import { progressAnswer } from '../../job/word/word-answer.ts'

const count = z.int().min(0)

/** Schemas of the `data` of server-sent events, by event name. */
export const eventPayloads = {
  state: linkedJobSchema,
  progress: z.strictObject({
    job_uuid: z.uuid(),
    files: count,
    bytes: count,
    total_files: count.exactOptional(),
    total_bytes: count.exactOptional(),
    bytes_per_second: count.nullable().describe('Since the progress event before; null for the first one'),
  }),
  /** The worker's `progress.json`. */
  word: z.strictObject({ job_uuid: z.uuid(), ...progressAnswer.shape }),
  deleted: z.strictObject({ job_uuid: z.uuid() }),
  /** The client has missed events and must read the jobs again. */
  reset: z.strictObject({}),
}

/** The body of a callback. */
export const callbackPayload = z.strictObject({
  type: z.enum(eventTypes),
  timestamp: z.iso.datetime(),
  data: linkedJobSchema,
})
