import { type Field, type FieldScope, optional } from './field.ts'
import * as s from './field-schemas.ts'
import { callbackFields } from './fields/callback-fields.ts'
import { podFields } from './fields/pod-fields.ts'
import { programFields } from './fields/program-fields.ts'
import { resourceFields } from './fields/resource-fields.ts'
import { resultFields } from './fields/result-fields.ts'
import { timeFields } from './fields/time-fields.ts'

/**
 * Each field of a request that creates a job, in the order of docs/fields.md. JobRequest, GET's query
 * and that document are made of it.
 */
export const requestFields = {
  ...programFields,
  ...resourceFields,
  ...resultFields,
  ...podFields,
  ...timeFields,
  ...callbackFields,
}

/** Fields of configured jobs alone. */
export const configuredFields = {
  demo_file: optional(s.resultPath, { query: 'none', about: 'the file that `GET /demo` answers with' }),
}

export type RequestFields = typeof requestFields
export type RequestField = keyof RequestFields

/** Names of the fields with a scope, in the table's order. */
export function fieldsWithScope(scope: FieldScope): RequestField[] {
  const fields: [string, Field][] = Object.entries(requestFields)
  return fields
    .filter(([, field]) => (field.scope ?? 'everywhere') === scope)
    .map(([name]) => name as RequestField)
}
