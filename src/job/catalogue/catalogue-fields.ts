import * as z from 'zod'
import { optional } from '../request/field.ts'
import { lineOfWords, someSentences } from '../request/field-schemas.ts'
import { parameterDeclarations } from './parameter-schema.ts'

/** Fields of configured jobs alone that say to callers what a job does and takes. */
export const catalogueFields = {
  title: optional(lineOfWords, { query: 'none', about: "the job's name for people" }),
  description: optional(someSentences, { query: 'none', about: 'what it does and leaves' }),
  parameters: optional(parameterDeclarations, {
    query: 'none',
    about:
      'what callers set in `parameters` of a request, in words of JSON Schema: [configured-jobs.md](configured-jobs.md#parameters)',
  }),
  locked: optional(z.array(z.string(), 'a list of names of request fields'), {
    query: 'none',
    about:
      'names of request fields that callers can not give: [configured-jobs.md](configured-jobs.md#locked-fields)',
  }),
}
