import * as z from 'zod'
import { parameterValue } from '../../job/catalogue/parameter-schema.ts'
import { requestFields } from '../../job/request/fields.ts'

/** A parameter in words of JSON Schema. */
const parameterAnswer = z.strictObject({
  type: z.enum(['string', 'number', 'integer', 'boolean']),
  title: z.string().exactOptional(),
  description: z.string().exactOptional(),
  enum: z.array(parameterValue).exactOptional(),
  default: parameterValue.exactOptional(),
  minimum: z.number().exactOptional(),
  maximum: z.number().exactOptional(),
  pattern: z.string().describe('For the whole text').exactOptional(),
  required: z.boolean().describe('The caller has to give it'),
})

const summary = {
  name: z.string().describe('`job` of a request'),
  title: z.string().nullable(),
  description: z.string().nullable(),
  parameters: z
    .record(z.string(), parameterAnswer)
    .describe('By name; what `parameters` of a request may have'),
  locked: z.array(z.string()).describe('Request fields that callers can not give with this job'),
  links: z.strictObject({
    self: z.string(),
    deploy: z.string(),
    latest_result: z.string().describe('Of the newest of its jobs that succeeded, with a complete result'),
  }),
}

export const catalogueAnswer = z.strictObject({ jobs: z.array(z.strictObject(summary)) })

export const catalogueJobAnswer = z.strictObject({
  ...summary,
  schema: z
    .record(z.string(), z.unknown())
    .describe('JSON Schema (2020-12) of the whole `parameters`, for forms and validators'),
  variables: z.array(z.string()).describe('Names of the environment variables that the job itself sets'),
  image: z.string().nullable().describe("Null: Jobferry's own"),
  steps: z.array(z.string()).describe('Names of its steps, in their order'),
  outputs: requestFields.outputs.schema.nullable().describe('The files that it keeps and promises'),
})

export type CatalogueAnswer = z.output<typeof catalogueAnswer>
export type CatalogueJobAnswer = z.output<typeof catalogueJobAnswer>
export type ParameterAnswer = z.output<typeof parameterAnswer>
