import * as z from 'zod'
import { type HeaderName, headers } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'
import type { Content, Operation, OperationAnswer } from './operation.ts'
import type { Parameter } from './parameters.ts'
import {
  headerReference,
  problemAnswerOf,
  problemReference,
  problemsOf,
  type ResponseObject,
} from './problem-answers.ts'
import { schemaIn } from './schemas.ts'

/** An operation as OpenAPI writes it. */
export function operationObject(operation: Operation): JsonSchema {
  const { id, tag, summary, description, parameters = [], body, access } = operation
  const answers: Readonly<Record<string, OperationAnswer>> = operation.answers
  const responses: Record<string, unknown> = {}
  for (const [status, answer] of Object.entries(answers)) responses[status] = answerObject(answer)
  for (const [status, codes] of problemsOf(operation)) {
    const answer = answers[status]
    responses[status] = answer
      ? joined(answerObject(answer), problemAnswerOf(codes))
      : problemReference(codes)
  }
  return {
    ...{ operationId: id, tags: [tag], summary, ...(description && { description }) },
    ...(access && { security: securityOf(operation) }),
    ...(parameters.length > 0 && { parameters: parameters.map(parameterObject) }),
    ...(body && { requestBody: { required: !operation.bodyIsOptional, content: contentObject(body) } }),
    responses,
  }
}

/** A token, or none where the API has no API_TOKENS. */
export function securityOf({ access }: Pick<Operation, 'access'>): JsonSchema[] {
  const schemes = { result: ['token', 'grant'], provision: ['token', 'provisionToken'] }
  if (access === 'open' || access === 'token-request') return []
  return [...(access ? schemes[access] : ['token']).map((name) => ({ [name]: [] })), {}]
}

/** Of a status that is both an answer and a problem. */
function joined(answer: ResponseObject, problem: ResponseObject): ResponseObject {
  return {
    ...answer,
    description: `${answer.description}. ${problem.description}`,
    headers: { ...problem.headers, ...answer.headers },
    content: { ...answer.content, ...problem.content },
  }
}

function answerObject({
  description,
  headers: always = [],
  mayHave = [],
  content,
  links,
}: OperationAnswer): ResponseObject {
  const names = new Set<HeaderName>(['X-Request-Id', ...always, ...mayHave])
  return {
    description,
    headers: Object.fromEntries(
      [...names].map((name) => [
        name,
        always.includes(name) ? { required: true, ...headers[name] } : headerReference(name),
      ]),
    ),
    ...(content && { content: contentObject(content) }),
    ...(links && { links: linksObject(links) }),
  }
}

function linksObject(links: Readonly<Record<string, string>>): JsonSchema {
  return Object.fromEntries(
    Object.entries(links).map(([operationId, member]) => [
      operationId,
      { operationId, parameters: { id: `$response.body#/${member}` } },
    ]),
  )
}

export function contentObject(content: readonly Content[]): JsonSchema {
  return Object.fromEntries(
    content.map(({ type, schema, examples = {} }) => {
      const named = Object.entries(examples).map(([name, value]) => [
        name.replaceAll(/\W+/g, '-'),
        { summary: name, value },
      ])
      const all = { schema: schema instanceof z.ZodType ? schemaIn(schema) : schema }
      return [type, named.length === 0 ? all : { ...all, examples: Object.fromEntries(named) }]
    }),
  )
}

function parameterObject({ name, in: place, description, schema, example, repeated }: Parameter): JsonSchema {
  return {
    ...{ name, in: place, description },
    ...(place === 'path' && { required: true }),
    ...(schema.type === 'array' && { style: 'form', explode: repeated === true }),
    schema,
    ...(example !== undefined && { example }),
  }
}
