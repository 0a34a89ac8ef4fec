import type { JsonSchema } from './json-schema.ts'

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  description: string
  schema: JsonSchema
  /** Absent: its schema's default is the example. */
  example?: unknown
  /** Of a query: it may be given several times. Lists of request fields are separated by commas instead. */
  repeated?: boolean
}

export const exampleUuid = '0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11'

export const jobIdParameter: Parameter = {
  name: 'id',
  in: 'path',
  description: "The job's uuid, in lower case",
  schema: {
    type: 'string',
    format: 'uuid',
    pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  },
  example: exampleUuid,
}

/** Both forms of waiting for a job's end. */
export const waitParameters: readonly Parameter[] = [
  query(
    'wait',
    'Seconds for which the request waits for the end of the job; at most WAIT_MAX_SECONDS are waited',
    {
      schema: { type: 'integer', minimum: 0, maximum: 999_999_999 },
      example: 50,
    },
  ),
  header('Prefer', 'The same as the parameter `wait`, which wins over it (RFC 7240)', 'wait=50'),
]

export const idempotencyKeyHeader: Parameter = {
  ...header('Idempotency-Key', 'A repeated request with the same key makes no second job', 'run-42'),
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-+\\--~]+$' },
}

export const lastEventId = header(
  'Last-Event-ID',
  'The id of the last event that the client has seen: the stream goes on behind it',
  '7f3c-12',
)

/** The path's id where it is no job's. */
export function idIn(description: string, example: string): Parameter {
  return { name: 'id', in: 'path', description, schema: { type: 'string' }, example }
}

export function query(
  name: string,
  description: string,
  rest: Pick<Parameter, 'schema' | 'example' | 'repeated'>,
): Parameter {
  return { name, in: 'query', description, ...rest }
}

export function flagQuery(name: string, description: string): Parameter {
  return query(name, description, { schema: { type: 'boolean', default: false } })
}

export function count(
  name: string,
  description: string,
  minimum: number,
  maximum: number,
  value?: number,
): Parameter {
  const schema = { type: 'integer', minimum, maximum, ...(value !== undefined && { default: value }) }
  return query(name, description, { schema, ...(value === undefined && { example: minimum }) })
}

export function header(name: string, description: string, example: string): Parameter {
  return { name, in: 'header', description, schema: { type: 'string' }, example }
}
