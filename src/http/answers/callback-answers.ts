import * as z from 'zod'
import type { Delivery, DeliveryAttempt } from '../../notifications/outbox/outbox.ts'
import { schemaOf } from './schema-of.ts'

const attempt = schemaOf<DeliveryAttempt>()(
  z.strictObject({
    at: z.iso.datetime(),
    milliseconds: z.int().min(0),
    status: z.int().nullable().describe('Null without an answer: `error` then has the reason'),
    error: z.string().nullable(),
  }),
)

export const deliveryAnswer = schemaOf<Delivery>()(
  z.strictObject({
    id: z.string(),
    kind: z.string(),
    event: z.string().nullable(),
    url: z.string(),
    created_at: z.iso.datetime(),
    state: z.enum(['pending', 'delivered', 'rejected', 'given-up']),
    next_at: z.iso.datetime().nullable().describe('The time of the next attempt'),
    attempts: z.array(attempt).describe('The newest 100'),
  }),
)

export const callbacksAnswer = z.strictObject({ job_uuid: z.uuid(), callbacks: z.array(deliveryAnswer) })
export const redeliverAnswer = z.strictObject({ job_uuid: z.uuid(), redelivered: deliveryAnswer })
