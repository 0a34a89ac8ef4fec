import * as z from 'zod'

/** The problem document of RFC 9457. */
export const problemAnswer = z.strictObject({
  type: z.string().regex(/^urn:jobferry:error:[a-z-]+$/),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  errors: z
    .array(z.strictObject({ field: z.string(), problem: z.string(), expected: z.string() }))
    .readonly()
    .describe('The wrong fields of the request'),
})

export type ProblemDocument = z.output<typeof problemAnswer>
