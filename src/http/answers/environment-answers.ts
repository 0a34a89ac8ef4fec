import * as z from 'zod'
import type { EnvironmentInfo } from '../../job/backend.ts'
import { schemaOf } from './schema-of.ts'

const environmentInfo = schemaOf<EnvironmentInfo>()(
  z.strictObject({
    id: z.string().regex(/^env-/),
    secret: z.boolean().describe('Kept as a Kubernetes Secret'),
    names: z.array(z.string()).describe('Sorted; the values are never answered'),
    created_at: z.iso.datetime(),
  }),
)

export const environmentAnswer = z.strictObject({
  ...environmentInfo.shape,
  links: z.strictObject({ self: z.string() }),
})

export const environmentListAnswer = z.strictObject({
  environments: z.array(environmentAnswer),
  next: z.null(),
})
