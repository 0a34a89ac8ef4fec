import * as z from 'zod'
import { parseJson } from '../../http/input/json.ts'
import { isJobUuid, jobUuid } from '../../job/job-uuid.ts'
import { check } from '../../util/checks/schema-errors.ts'
import { invalid, Problem } from '../../util/errors.ts'
import { isObject } from '../../util/objects.ts'
import { utf8Text } from '../../util/text/utf8-text.ts'

export const incomingTypes = [
  'dev.jobferry.deploy',
  'dev.jobferry.rerun',
  'dev.jobferry.cancel',
  'dev.jobferry.delete',
] as const
export type IncomingType = (typeof incomingTypes)[number]

/** A message of the queue: a CloudEvent 1.0 in its JSON form. */
export interface IncomingMessage {
  /** The idempotency key of the job that it makes; every event about that job names it. */
  id: string
  type: IncomingType
  data: unknown
}

/** As for the body of a request. */
const mostBytes = 1024 * 1024

const envelope = z.looseObject({
  specversion: z.literal('1.0', 'the text 1.0'),
  id: z
    .string('text of 1 to 255 visible ASCII characters other than ","')
    .regex(/^[!-+\--~]{1,255}$/, '1 to 255 visible ASCII characters other than ","'),
  source: z.string('a URI').min(1, 'a URI'),
  type: z.enum(incomingTypes, `one of ${incomingTypes.join(', ')}`),
  datacontenttype: z
    .string('application/json')
    .regex(/^application\/json\s*(;|$)/i, 'application/json')
    .exactOptional(),
})

/** Reads a message. Throws a Problem that names each wrong field. */
export function readIncoming(content: Buffer, contentType: unknown): IncomingMessage {
  if (!/^application\/cloudevents\+json\s*(;|$)/i.test(String(contentType))) {
    throw invalid('content_type', 'is not allowed', 'application/cloudevents+json')
  }
  if (content.length > mostBytes) {
    const expected = `at most ${mostBytes} bytes`
    const errors = [{ field: 'body', problem: 'is too large', expected }]
    throw new Problem('too-large', `body: is too large; expected ${expected}`, { errors })
  }
  const event = parseJson(content, 'body')
  if (!isObject(event)) throw invalid('body', 'is not allowed', 'a JSON object')
  const { data, ...head } = event
  const { id, type } = check(envelope, head)
  if (!isObject(data)) {
    throw invalid('data', data === undefined ? 'is missing' : 'is not allowed', 'a JSON object')
  }
  return { id, type, data: withTexts(content, data) }
}

/** The id in what may be a message, for the events that answer it. */
export function idOf(content: Buffer): string | undefined {
  try {
    const event: unknown = JSON.parse(content.toString())
    const id = isObject(event) ? event.id : undefined
    return typeof id === 'string' && /^[ -~]{1,255}$/.test(id) ? id : undefined
  } catch {
    return undefined
  }
}

const jobShape = {
  job_uuid: z.string().refine(isJobUuid, "a job's uuid in lower case").exactOptional(),
  message_id: z.string().min(1, 'the id of a message').max(255, 'the id of a message').exactOptional(),
}
const jobData = z.strictObject(jobShape)
const rerunData = z.strictObject({
  ...jobShape,
  overrides: z.record(z.string(), z.unknown(), 'an object').exactOptional(),
})

/**
 * The uuid of the job that a message is about: `job_uuid`, or `message_id`, the id of the message
 * that made it. Throws a Problem.
 */
export function jobIn(data: unknown, namespace: string): string {
  return uuidOf(check(jobData, data, 'data'), namespace)
}

/** As jobIn(), with the fields that take the place of the job's. */
export function rerunIn(data: unknown, namespace: string): { uuid: string; overrides: object } {
  const { overrides = {}, ...job } = check(rerunData, data, 'data')
  return { uuid: uuidOf(job, namespace), overrides }
}

function uuidOf(job: z.output<typeof jobData>, namespace: string): string {
  const { job_uuid: uuid, message_id: id } = job
  if ((uuid === undefined) === (id === undefined)) {
    throw invalid(
      'data',
      uuid ? 'has both job_uuid and message_id' : 'names no job',
      'job_uuid or message_id',
    )
  }
  return uuid ?? jobUuid(namespace, id)
}

type Reviver = (this: object, key: string, value: unknown, context: { source?: string }) => unknown

/**
 * The data with the numbers and booleans of each `env` as they are written, as HTTP's requests have
 * them: JSON.parse makes 1.1 of the version 1.10.
 */
function withTexts(content: Buffer, data: Record<string, unknown>): unknown {
  if (!environmentsOf(data).some((env) => Object.values(env).some(isPlain))) return data
  const texts = new Map<object, Map<string, string>>()
  const note: Reviver = function (key, value, { source }) {
    if (isPlain(value) && source !== undefined) {
      const own = texts.get(this) ?? new Map<string, string>()
      texts.set(this, own.set(key, source))
    }
    return value
  }
  const event = JSON.parse(
    utf8Text(content, 'body', 'a JSON object'),
    note as Parameters<typeof JSON.parse>[1],
  )
  const again = (event as { data: Record<string, unknown> }).data
  for (const env of environmentsOf(again)) {
    for (const [name, text] of texts.get(env) ?? []) env[name] = text
  }
  return again
}

/** Those of a request or of a rerun's overrides, and of the steps in either. */
function environmentsOf(data: Record<string, unknown>): Record<string, unknown>[] {
  const requests = [data, data.overrides].filter(isObject)
  const steps = requests.flatMap((request) => (Array.isArray(request.steps) ? request.steps : []))
  return [...requests, ...steps.filter(isObject)].map(({ env }) => env).filter(isObject)
}

function isPlain(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}
