import type { IncomingHttpHeaders } from 'node:http'
import type * as z from 'zod'
import { answersByRoute } from '../../src/http/answers/answers-by-route.ts'
import { callbackPayload, eventPayloads } from '../../src/http/answers/event-payloads.ts'
import { problemAnswer } from '../../src/http/answers/problem-answer.ts'
import { listedEntry } from '../../src/http/answers/result-answers.ts'

interface CheckedAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  json(): unknown
}

/** Throws if a JSON answer differs from its schema, or has no schema for its route and status. */
export function checkAnswer(method: string, path: string, answer: CheckedAnswer): void {
  const type = answer.headers['content-type']?.split(';')[0]
  if (answer.body.length === 0 || method === 'HEAD') return
  if (type === 'application/problem+json')
    parse(problemAnswer, answer.json(), `a problem of ${method} ${path}`)
  if (type === 'application/x-ndjson') {
    for (const line of answer.body.toString('utf8').trimEnd().split('\n')) {
      parse(listedEntry, JSON.parse(line), `a line of ${path}`)
    }
  }
  // A result file may be JSON of any shape; its Content-Disposition tells it apart.
  if (type === 'application/json' && answer.headers['content-disposition'] === undefined) {
    parse(schemaFor(method, path, answer.status), answer.json(), `${method} ${path}`)
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

function schemaFor(method: string, url: string, status: number): z.ZodType {
  const path = url.replace(/[?#].*$/s, '').replace(/(?<=.)\/$/, '')
  const found = Object.entries(answersByRoute).find(([route]) => patternOf(route).test(`${method} ${path}`))
  const schema = found?.[1][status]
  if (!schema) throw new Error(`no schema for the answer ${status} of ${method} ${path}`)
  return schema
}

function patternOf(route: string): RegExp {
  return new RegExp(`^${route.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`, 'i')
}

function parse(schema: z.ZodType, value: unknown, name: string): void {
  const { error } = schema.safeParse(value)
  if (error) throw new Error(`${name} is not as its schema: ${error.message}\n${JSON.stringify(value)}`)
}
