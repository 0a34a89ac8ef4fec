import type * as z from 'zod'
import type { ErrorCode } from '../../util/errors.ts'
import type { HeaderName } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'
import type { Parameter } from './parameters.ts'

export const tags = {
  jobs: 'Deploying jobs, and following them',
  results: 'The files that a job left',
  catalogue: 'Jobs that the operator has configured',
  uploads: 'Inputs kept for several jobs',
  environments: 'Variables kept for several jobs',
  service: 'Limits, health and metrics; this document',
  dataspace: 'For data connectors (Eclipse EDC)',
} as const
export type Tag = keyof typeof tags

/** Examples by name; each matches its schema. */
export type Examples = Readonly<Record<string, unknown>>

/** One media type of a body. */
export interface Content {
  type: string
  schema: z.ZodType | JsonSchema
  examples?: Examples
}

export interface OperationAnswer {
  description: string
  /** Headers that this answer always has, beside those of every answer. */
  headers?: readonly HeaderName[]
  /** Headers that this answer may have. */
  mayHave?: readonly HeaderName[]
  /** Absent without a body. */
  content?: readonly Content[]
  /** Ids of operations on what was made, with the member of this answer that is their `id`. */
  links?: Readonly<Record<string, string>>
}

/** What one method of a route takes and answers. */
export interface Operation {
  /** The name of the call in generated clients. */
  id: string
  tag: Tag
  summary: string
  description?: string
  /** All parameters of path and query that the route takes, as a test compares. */
  parameters?: readonly Parameter[]
  /** The media types that a body may have. */
  body?: readonly Content[]
  /** A request may come without a body. */
  bodyIsOptional?: boolean
  answers: Readonly<Record<number, OperationAnswer>>
  /** Codes beside those that every call may be answered with: problem-answers.ts. */
  problems?: readonly ErrorCode[]
  /** Who may call; `result`: also readers with a grant. Absent: callers with a token of API_TOKENS. */
  access?: 'open' | 'result' | 'provision' | 'token-request'
}

/** Operations by method and Express path, as `GET /job/:id`. */
export type Operations = Readonly<Record<string, Operation>>

/** A JSON body, with its only example if one is given. */
export function json(schema: z.ZodType, example?: unknown): readonly Content[] {
  return [jsonContent(schema, example === undefined ? undefined : { example })]
}

export function jsonContent(schema: z.ZodType, examples?: Examples): Content {
  return { type: 'application/json', schema, ...(examples && { examples }) }
}

export function textContent(type: string, example: string): readonly Content[] {
  return [{ type, schema: { type: 'string' }, examples: { example } }]
}

/** Bytes of any kind, of this media type. */
export function bytes(type: string): Content {
  return { type, schema: { type: 'string', format: 'binary' } }
}
