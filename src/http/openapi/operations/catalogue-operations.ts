import { type CatalogueAnswer, catalogueAnswer, catalogueJobAnswer } from '../../answers/catalogue-answers.ts'
import { json, type Operations } from '../operation.ts'
import type { Parameter } from '../parameters.ts'
import { readResultOperation } from './result-operations.ts'

const days = { type: 'integer' as const, title: 'Days ahead', default: 3, minimum: 1, maximum: 14 }
const entry: CatalogueAnswer['jobs'][number] = {
  name: 'weather',
  title: 'Weather forecast',
  description: 'A forecast for one region, as out/forecast.csv and a picture',
  parameters: { days: { ...days, required: false } },
  locked: ['image', 'command'],
  links: {
    self: '/catalog/weather',
    deploy: '/job/deploy?job=weather',
    latest_result: '/catalog/weather/latest/result',
  },
}

const name: Parameter = {
  name: 'name',
  in: 'path',
  description: "A configured job's name",
  schema: { type: 'string', minLength: 1, maxLength: 63 },
  example: entry.name,
}

/** It is of one job, which has ended. */
const notOfLatest = ['id', 'so_far', 'wait', 'Prefer']
const { access: _, ...readResult } = readResultOperation

export const catalogueOperations: Operations = {
  'GET /catalog': {
    id: 'listCatalogue',
    tag: 'catalogue',
    summary: 'The configured jobs',
    description: 'Sorted by name, each with the parameters that a request can give it.',
    answers: { 200: { description: 'All of them', content: json(catalogueAnswer, { jobs: [entry] }) } },
  },
  'GET /catalog/:name': {
    id: 'getCatalogueJob',
    tag: 'catalogue',
    summary: 'One configured job',
    description: 'With the schema of its parameters. Of its variables only the names are shown.',
    parameters: [name],
    answers: {
      200: {
        description: 'What callers may know of it',
        content: json(catalogueJobAnswer, {
          ...entry,
          schema: { type: 'object', properties: { days }, additionalProperties: false },
          variables: ['REGION'],
          image: 'registry.example/weather:7',
          steps: [],
          outputs: { required: ['out/forecast.csv'] },
        }),
      },
    },
    problems: ['not-found'],
  },
  'GET /catalog/:name/latest/result': {
    ...readResult,
    id: 'getLatestResult',
    tag: 'catalogue',
    summary: 'One file of the newest complete result of a configured job, or an archive',
    description:
      'Of the newest of its jobs that succeeded and whose result is complete. All else is as of `GET /job/{id}/result`; Content-Location names the job.',
    parameters: [name, ...(readResult.parameters ?? []).filter((one) => !notOfLatest.includes(one.name))],
    answers: Object.fromEntries(
      Object.entries(readResult.answers).map(([status, { headers = [], ...answer }]) => [
        status,
        { ...answer, headers: [...headers, 'Content-Location' as const] },
      ]),
    ),
  },
}
