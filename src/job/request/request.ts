import type * as z from 'zod'
import type { DefaultedField } from './field.ts'
import type { configuredFields, RequestField, RequestFields } from './fields.ts'

/** A request that creates a job: checked, merged with its configured job, defaults filled in. */
export interface JobRequest extends Defaulted, Optional {
  /** The configured job's environment: `config_map_ref` and `env` win over it. */
  job_env: Record<string, string>
}

/** The fields of fields.ts that have a default. */
export type DefaultedRequestField = {
  [Name in RequestField]: RequestFields[Name] extends DefaultedField ? Name : never
}[RequestField]

export type RequestDefaults = Defaulted

type AllFields = RequestFields & typeof configuredFields

type Defaulted = { [Name in DefaultedRequestField]: z.output<RequestFields[Name]['schema']> }

type Optional = {
  [Name in Exclude<keyof AllFields, DefaultedRequestField>]?: z.output<AllFields[Name]['schema']>
}
