import * as z from 'zod'
import { isDnsSubdomain, isRelativePath } from '../request/syntax.ts'
import { archiveKinds } from './input-list.ts'
import { placeOf } from './input-place.ts'
import { isFolder, parseSource, sourceExpected } from './source-address.ts'

const maxInputs = 100
const members = 'from or content, to, unpack, sha256, secret and optional'

/** The place of an input below `/input`. */
const target = z
  .string('a path relative to /input')
  .refine(isRelativePath, 'a path relative to /input, without empty, "." or ".." parts')

/** Whether the API may call it depends on settings: src/lifecycle/deploy/input-sources.ts. */
const source = z.string(sourceExpected).refine((from) => parseSource(from) !== undefined, sourceExpected)

const secretExpected = 'the name of a Secret'

const input = z
  .strictObject(
    {
      from: source.exactOptional(),
      content: z.string('the text of the file').exactOptional(),
      to: target.exactOptional(),
      unpack: z.enum(archiveKinds, `one of ${archiveKinds.join(', ')}`).exactOptional(),
      sha256: z
        .string('64 hex digits')
        .regex(/^[0-9a-f]{64}$/i, '64 hex digits')
        .toLowerCase()
        .exactOptional(),
      secret: z.string(secretExpected).refine(isDnsSubdomain, secretExpected).exactOptional(),
      optional: z.boolean('true or false').exactOptional(),
    },
    `an object of ${members}`,
  )
  .superRefine((given, context) => {
    const { from, content, to } = given
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message })
    if ((from === undefined) === (content === undefined)) {
      refuse('from', 'either the place that the input comes from, or its text as content')
    }
    const source = parseSource(from ?? '')
    const isKnown = from === undefined || source !== undefined
    if (to === undefined && isKnown && placeOf(given) === '') {
      refuse('to', 'a path relative to /input: no file name is at the end of the source')
    }
    if (content !== undefined) {
      for (const field of ['unpack', 'sha256', 'secret', 'optional'] as const) {
        if (given[field] !== undefined) refuse(field, `no ${field} beside content`)
      }
      return
    }
    if (source === undefined) return
    if (source.kind === 's3' && given.secret === undefined) {
      refuse('secret', 'the name of the Secret with the keys of the bucket')
    }
    if ((source.kind === 'job' || source.kind === 'upload') && given.secret !== undefined) {
      refuse('secret', `no secret beside ${source.kind}:`)
    }
    for (const field of ['unpack', 'sha256'] as const) {
      if (given[field] !== undefined && isFolder(source)) {
        refuse(field, `no ${field} beside a folder: one file has it`)
      }
    }
  })

export const inputs = z
  .array(input, `a list of objects of ${members}`)
  .max(maxInputs, `at most ${maxInputs} inputs`)

export type InputRequest = z.output<typeof input>
