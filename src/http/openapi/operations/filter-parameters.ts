import { phases, states } from '../../../job/job.ts'
import { type Parameter, query } from '../parameters.ts'

const text = { type: 'string', minLength: 1 }

/** The filters of jobs: all that are given have to hold. */
export const filterParameters: readonly Parameter[] = [
  words('state', 'Jobs in one of these states', states, ['failed', 'canceled']),
  words('phase', 'Jobs in one of these phases', phases, ['running']),
  query('job', 'Jobs that were started from this configured job', { schema: text, example: 'analysis' }),
  query('name', 'Jobs of this name', { schema: text, example: 'rain 42' }),
  query('label', 'Jobs with this label, as KEY=VALUE; several times for several labels', {
    schema: { type: 'array', items: { type: 'string', pattern: '^[^=]+=' } },
    example: ['project=weather'],
    repeated: true,
  }),
  query('made_by', 'Jobs that were made with the token of this name', { schema: text, example: 'portal' }),
  time('since', 'Jobs that were made at this time or later: an RFC 3339 time or a day'),
  time('until', 'Jobs that were made before this time: an RFC 3339 time or a day'),
]

function words(name: string, description: string, all: readonly string[], example: string[]): Parameter {
  const schema = { type: 'array', items: { type: 'string', enum: [...all] }, minItems: 1 }
  return query(name, description, { schema, example })
}

function time(name: string, description: string): Parameter {
  const schema = {
    anyOf: [
      { type: 'string', format: 'date-time' },
      { type: 'string', format: 'date' },
    ],
  }
  return query(name, description, { schema, example: '2026-11-29' })
}
