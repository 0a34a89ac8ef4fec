import * as z from 'zod'
import { states } from '../../job/job.ts'

const missing = z.array(z.string()).describe('What full service lacks, for people')

export const liveAnswer = z.strictObject({ status: z.literal('live') })

export const readyAnswer = z.strictObject({ status: z.enum(['ready', 'not ready']), missing })

export const healthAnswer = z.strictObject({
  status: z.enum(['ok', 'degraded', 'not ready']),
  missing,
  damaged_messages: z
    .array(z.string())
    .nullable()
    .describe('Store keys of notifications that can not be read; null while that is not known'),
  backend: z.string(),
  store: z.string(),
  broker: z
    .strictObject({
      state: z.enum(['connected', 'blocked', 'away']),
      error: z.string().nullable().describe('Why it is away, or takes no messages'),
      since: z.iso.datetime(),
    })
    .describe('The message broker; absent without AMQP_URL')
    .exactOptional(),
  finishes_jobs: z.boolean().describe('This replica is the leader'),
  jobs: z.partialRecord(z.enum(states), z.int().min(0)).describe('Live jobs by their state'),
})
