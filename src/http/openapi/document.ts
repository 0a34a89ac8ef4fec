import { callbackPayload } from '../answers/event-payloads.ts'
import { exampleJob } from './examples.ts'
import { headers } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'
import { json, tags } from './operation.ts'
import { contentObject, operationObject, securityOf } from './operation-object.ts'
import { operations } from './operations.ts'
import { problemAnswers, problemExamples, problemsOf } from './problem-answers.ts'
import { componentSchemas } from './schemas.ts'

const about = `Runs a container as a Kubernetes Job for one HTTP call and gives its files back, byte for byte.

Errors are problem documents (RFC 9457) that name the field, what is wrong with it, and what would be right. A GET answers
HEAD as well, except for those that make a job. Further fields may come into answers: a client takes ones that it does not know.
Before a request is understood it may be refused with 400, 408 or 431.`

/** The OpenAPI 3.1 document; `publicUrl` is the address under which callers reach the API. */
export function openApiDocument(version: string, publicUrl = '/') {
  const found = Object.entries(operations)
  const problems = found.flatMap(([, operation]) => [...problemsOf(operation).values()])
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [route, operation] of found) {
    const [method = '', path = ''] = route.split(' ')
    const template = path.replaceAll(/:(\w+)/g, '{$1}')
    paths[template] = { ...paths[template], [method.toLowerCase()]: operationObject(operation) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Jobferry',
      version,
      description: about,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: publicUrl }],
    security: securityOf({}),
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    webhooks: { jobEvent: { post: callback() } },
    components: {
      schemas: componentSchemas(),
      headers: Object.fromEntries(Object.entries(headers)),
      responses: problemAnswers(problems),
      examples: problemExamples(new Set(problems.flat())),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token of API_TOKENS; none without API_TOKENS',
        },
        grant: { type: 'http', scheme: 'bearer', description: 'A token that opens the results of one job' },
        provisionToken: {
          ...{ type: 'apiKey', in: 'header', name: 'x-api-key' },
          description: 'One of API_TOKENS or PROVISION_TOKENS',
        },
      },
    },
  }
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>

/** The message to the `callback` of a request. */
function callback(): JsonSchema {
  const example = { type: 'job.succeeded', timestamp: exampleJob.finished_at, data: exampleJob }
  return {
    operationId: 'onJobEvent',
    tags: ['jobs'],
    summary: 'What is sent to the `callback` of a request',
    description: 'Signed as Standard Webhooks are: docs/callbacks.md. It is sent again until an answer 2xx.',
    security: [],
    requestBody: { required: true, content: contentObject(json(callbackPayload, example)) },
    responses: { 204: { description: 'It is taken' } },
  }
}
