import type { JsonSchema } from './json-schema.ts'

interface Header {
  description: string
  schema: JsonSchema
  example: unknown
}

const text: JsonSchema = { type: 'string' }

/** The headers of answers that a caller can use. */
export const headers = {
  'X-Request-Id': {
    description: "The request's id in the API's log",
    schema: { type: 'string', format: 'uuid' },
    example: 'd4b2f1c0-3a4e-4b41-9a53-5a3b8a3c6f10',
  },
  Location: {
    description: 'Address of what was made',
    schema: { type: 'string', format: 'uri-reference' },
    example: '/job/0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11',
  },
  'Content-Location': {
    description: 'The same bytes at the address of the job that has them',
    schema: { type: 'string', format: 'uri-reference' },
    example: '/job/0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11/result?file=report.csv',
  },
  'Retry-After': {
    description: 'Seconds after which the same request makes sense again',
    schema: { type: 'integer', minimum: 0 },
    example: 5,
  },
  'Preference-Applied': {
    description: 'The seconds that `Prefer: wait` got (RFC 7240)',
    schema: text,
    example: 'wait=50',
  },
  'WWW-Authenticate': {
    description: 'How a caller proves itself (RFC 6750)',
    schema: text,
    example: 'Bearer realm="jobferry"',
  },
  'Jobferry-Result-State': {
    description: 'Whether the result is whole',
    schema: { type: 'string', enum: ['complete', 'partial', 'provisional'] },
    example: 'complete',
  },
  'Jobferry-Log-Beginning': {
    description: 'Whether the log begins with its first line: kubelets rotate logs. Absent with `tail`',
    schema: { type: 'string', enum: ['present', 'missing', 'unknown'] },
    example: 'present',
  },
  ETag: {
    description: 'The SHA-256 of the whole file, in quotes',
    schema: text,
    example: '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
  },
  'Last-Modified': {
    description: "The file's time of modification",
    schema: text,
    example: 'Sun, 29 Nov 2026 08:15:00 GMT',
  },
  'Repr-Digest': {
    description: 'The SHA-256 of the whole file (RFC 9530)',
    schema: text,
    example: 'sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:',
  },
  'Accept-Ranges': {
    description: '`bytes`, or `none` of an archive',
    schema: { type: 'string', enum: ['bytes', 'none'] },
    example: 'bytes',
  },
  'Content-Range': {
    description: 'The bytes that are sent, and the size of the file',
    schema: text,
    example: 'bytes 0-99/12345',
  },
  'Content-Disposition': {
    description: 'The name under which a program saves it, and whether a browser shows it',
    schema: text,
    example: 'inline; filename="report.csv"',
  },
} as const satisfies Record<string, Header>

export type HeaderName = keyof typeof headers
