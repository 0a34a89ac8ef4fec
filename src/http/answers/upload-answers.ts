import * as z from 'zod'

export const uploadAnswer = z.strictObject({
  name: z.string(),
  size: z.int().describe('Bytes'),
  sha256: z.string().describe('Lower-case hex; with quotes it is the ETag'),
  modified_at: z.iso.datetime().describe('When the name got this content'),
  from: z.string().describe('`from` of an input that takes it'),
  links: z.strictObject({ self: z.string() }),
})

export const uploadListAnswer = z.strictObject({
  uploads: z.array(uploadAnswer),
  next: z.string().nullable(),
})
