import { type ErrorCode, Problem } from '../../util/errors.ts'
import { problemDocument, statusOf } from '../server/problem.ts'
import type { HeaderName } from './headers.ts'
import { type JsonSchema, reference } from './json-schema.ts'
import type { Operation } from './operation.ts'

/** Codes of an operation's problem answers, by status. */
export function problemsOf(operation: Operation): Map<number, ErrorCode[]> {
  const codes = new Set<ErrorCode>(['invalid-request', 'forbidden', 'internal', 'unavailable'])
  if (operation.access !== 'open') codes.add('unauthorized')
  const ofBodies = ['busy', 'request-timeout', 'too-large', 'unsupported-media-type'] as const
  for (const code of [...(operation.body ? ofBodies : []), ...(operation.problems ?? [])]) codes.add(code)
  return Map.groupBy([...codes].sort(byStatus), statusOf)
}

function byStatus(a: ErrorCode, b: ErrorCode): number {
  return statusOf(a) - statusOf(b) || a.localeCompare(b)
}

export interface ResponseObject {
  description: string
  headers: JsonSchema
  content?: JsonSchema
  links?: JsonSchema
}

/** The answer of one status: its examples are the codes that it may have. */
export function problemAnswerOf(codes: readonly ErrorCode[]): ResponseObject {
  const headers = [
    ...new Set<HeaderName>(['X-Request-Id', ...codes.flatMap((code) => headersOf[code] ?? [])]),
  ]
  return {
    description: codes.map((code) => `\`${code}\`: ${problemDocument(exampleOf(code)).title}`).join('. '),
    headers: Object.fromEntries(headers.map((name) => [name, headerReference(name)])),
    content: {
      'application/problem+json': {
        schema: reference('Problem'),
        examples: Object.fromEntries(
          codes.map((code) => [code, { $ref: `#/components/examples/${exampleName(code)}` }]),
        ),
      },
    },
  }
}

export function headerReference(name: HeaderName): JsonSchema {
  return { $ref: `#/components/headers/${name}` }
}

export function problemReference(codes: readonly ErrorCode[]): JsonSchema {
  return { $ref: `#/components/responses/${answerName(codes)}` }
}

/** All that problemReference() may refer to. */
export function problemAnswers(all: readonly (readonly ErrorCode[])[]): JsonSchema {
  const byName = new Map(all.map((codes) => [answerName(codes), codes]))
  return Object.fromEntries([...byName].sort().map(([name, codes]) => [name, problemAnswerOf(codes)]))
}

const answerName = (codes: readonly ErrorCode[]) => codes.join('.')

export function problemExamples(codes: Iterable<ErrorCode>): JsonSchema {
  return Object.fromEntries(
    [...codes].sort().map((code) => {
      const value = problemDocument(exampleOf(code))
      return [exampleName(code), { summary: value.title, value }]
    }),
  )
}

const exampleName = (code: ErrorCode) => `problem-${code}`

const headersOf: Partial<Record<ErrorCode, readonly HeaderName[]>> = {
  unauthorized: ['WWW-Authenticate'],
  'range-not-satisfiable': ['Content-Range'],
  'job-failed': ['Location'],
  'not-final': ['Retry-After'],
  'not-started': ['Retry-After'],
  'deletion-under-way': ['Retry-After'],
  'too-many-jobs': ['Retry-After'],
  refused: ['Retry-After'],
  unavailable: ['Retry-After'],
  busy: ['Retry-After'],
}

const details: Partial<Record<ErrorCode, string>> = {
  'invalid-request': 'cpu: is not allowed; expected a Kubernetes quantity above zero, like "500m" or "2"',
  unauthorized: 'Send a known token as "Authorization: Bearer <token>"',
  'not-found': 'There is no job 0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11',
  'too-large': 'body: is too large; expected at most 1048576 bytes',
  'unsupported-media-type': 'Send the body as application/json or multipart/form-data',
}

function exampleOf(code: ErrorCode): Problem {
  const errors =
    code === 'invalid-request'
      ? [
          {
            field: 'cpu',
            problem: 'is not allowed',
            expected: 'a Kubernetes quantity above zero, like "500m" or "2"',
          },
        ]
      : []
  return new Problem(code, details[code] ?? 'What is wrong in this case, for people', { errors })
}
