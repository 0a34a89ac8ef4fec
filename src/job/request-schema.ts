import * as z from 'zod'
import { invalid } from '../errors.ts'
import { demoFile, requestFields } from './request-fields.ts'
import { check } from './schema-errors.ts'

const knownFields = `one of ${Object.keys(requestFields).join(', ')}`
const partialRequest = z.strictObject(requestFields, knownFields)
const { job: _, ...ownFields } = requestFields
const configuredJob = z.strictObject(
  { ...ownFields, demo_file: demoFile.exactOptional() },
  `one of ${Object.keys(ownFields).join(', ')}, demo_file`,
)

/** A caller's request as it was given, each field checked; nothing filled in but `read_only` of volumes. */
export type PartialRequest = z.output<typeof partialRequest>

/** A configured job: a request to start from. */
export type ConfiguredJob = z.output<typeof configuredJob> & { job: string }

/** Rejects with a Problem `invalid-request` that names every wrong field. */
export function parseRequest(value: unknown): PartialRequest {
  if (isObject(value) && Object.hasOwn(value, 'demo_file')) {
    throw invalid('demo_file', 'is not for callers', 'this field in configured jobs only')
  }
  return check(partialRequest, value)
}

/** Reads a configured job of that name; rejects as parseRequest does. */
export function parseConfiguredJob(value: unknown, name: string): ConfiguredJob {
  if (isObject(value) && Object.hasOwn(value, 'job')) {
    throw invalid('job', 'is not for configured jobs', 'this field in requests only')
  }
  check(requestFields.job, name, 'job')
  return { ...check(configuredJob, value), job: name }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
