import * as z from 'zod'
import { check } from '../../util/checks/schema-errors.ts'
import { invalid, invalidFields } from '../../util/errors.ts'
import { isObject } from '../../util/objects.ts'
import { catalogueFaults } from '../catalogue/catalogue-faults.ts'
import { catalogueFields } from '../catalogue/catalogue-fields.ts'
import type { Field } from './field.ts'
import { configuredFields, requestFields } from './fields.ts'

/** The schema of a request as a caller gives it. */
export const partialRequest = objectOf(requestFields)
const { job, parameters: _values, ...programFields } = requestFields
const configuredJob = objectOf({ ...programFields, ...configuredFields, ...catalogueFields })

/**
 * A caller's request as it was given, each field checked; nothing filled in but `read_only` of
 * volumes.
 */
export type PartialRequest = z.output<typeof partialRequest>

/** A configured job: a request to start from. */
export type ConfiguredJob = z.output<typeof configuredJob> & { job: string }

/** Rejects with a Problem `invalid-request` that names every wrong field. */
export function parseRequest(value: unknown): PartialRequest {
  if (isObject(value) && Object.hasOwn(value, 'demo_file')) {
    throw invalid('demo_file', 'is not allowed in requests', 'this field in configured jobs only')
  }
  return check(partialRequest, value)
}

/** Reads a configured job of that name; rejects as parseRequest does. */
export function parseConfiguredJob(value: unknown, name: string): ConfiguredJob {
  if (isObject(value) && Object.hasOwn(value, 'job')) {
    throw invalid('job', 'is not allowed in configured jobs', 'this field in requests only')
  }
  if (!job.schema.safeParse(name).success) {
    const expected =
      'at most 63 lower-case letters, digits and "-" before .yaml, a letter or digit at both ends'
    throw invalid('job', "is the file's name, which is no name of a job", expected)
  }
  const configured = { ...check(configuredJob, value), job: name }
  const faults = [...catalogueFaults(configured, Object.keys(programFields))]
  if (faults.length > 0) throw invalidFields(faults)
  return configured
}

/** An object of such fields, each optional. */
function objectOf<Fields extends Record<string, Field>>(fields: Fields) {
  const shape = Object.fromEntries(
    Object.entries(fields).map(([name, { schema }]) => [name, schema.exactOptional()]),
  ) as { [Name in keyof Fields]: z.ZodExactOptional<Fields[Name]['schema']> }
  return z.strictObject(shape, `one of ${Object.keys(fields).join(', ')}`)
}
