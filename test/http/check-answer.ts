import type * as z from 'zod'
import { callbackPayload, eventPayloads } from '../../src/http/answers/event-payloads.ts'
import { listedEntry } from '../../src/http/answers/result-answers.ts'
import { checkDocumented, type SeenAnswer } from './openapi/documented.ts'

/** Throws if an answer differs from the OpenAPI document, or a line of a list from its schema. */
export function checkAnswer(method: string, path: string, answer: SeenAnswer): void {
  checkDocumented(method, path, answer)
  const { body, headers } = answer
  if (body === undefined || body.length === 0 || method === 'HEAD') return
  if (headers['content-type']?.split(';')[0] === 'application/x-ndjson') {
    for (const line of body.toString('utf8').trimEnd().split('\n')) {
      parse(listedEntry, JSON.parse(line), `a line of ${path}`)
    }
  }
}

/** Throws if the data of a stream's event differ from the schema of the event's name. */
export function checkEvent(name: string, data: unknown): void {
  const schema = Object.entries(eventPayloads).find(([known]) => known === name)?.[1]
  if (!schema) throw new Error(`no schema for the event ${name}`)
  parse(schema, data, `the event ${name}`)
}

/** Throws if a callback's body differs from its schema. */
export function checkCallback(body: string): void {
  parse(callbackPayload, JSON.parse(body), 'a callback')
}

function parse(schema: z.ZodType, value: unknown, name: string): void {
  const { error } = schema.safeParse(value)
  if (error) throw new Error(`${name} is not as its schema: ${error.message}\n${JSON.stringify(value)}`)
}
