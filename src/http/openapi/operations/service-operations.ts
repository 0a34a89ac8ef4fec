import { environmentAnswer, environmentListAnswer } from '../../answers/environment-answers.ts'
import { healthAnswer, liveAnswer, readyAnswer } from '../../answers/health-answers.ts'
import { limitsAnswer } from '../../answers/limits-answer.ts'
import { bytes, json, type Operations, textContent } from '../operation.ts'
import { flagQuery, type Parameter } from '../parameters.ts'

const environment = {
  id: 'env-7c9e6679',
  secret: true,
  names: ['DATABASE_URL', 'TOKEN'],
  created_at: '2026-11-29T08:00:00.000Z',
  links: { self: '/resource/env/env-7c9e6679' },
}

const environmentId: Parameter = {
  name: 'id',
  in: 'path',
  description: 'The id that `POST /resource/env` gave',
  schema: { type: 'string', pattern: '^env-[a-z0-9-]*[a-z0-9]$', maxLength: 63 },
  example: environment.id,
}

const limits = {
  caller: 'portal',
  policy: true,
  allowed: {
    images: ['registry.example/*'],
    image_pull_secrets: 'all',
    service_accounts: [],
    priority_classes: [],
    tolerations: 'all',
    claims: 'all-but-jobs',
    node_selectors: 'all',
    labels: 'unselected',
    annotations: ['team.example/*'],
    runtime_classes: [],
    extended_resources: ['example.com/*'],
    affinity: 'own-namespace',
    env_secrets: ['data-*'],
    env_config_maps: [],
    root: false,
  },
  maximum: { cpu: '16', timeout_seconds: 86_400 },
  default: { memory: '1Gi' },
  live_jobs: { now: 3, maximum: 50 },
  input_max_bytes: 107_374_182_400,
  wait_max_seconds: 50,
  refused_fields: [],
  ignored_fields: [],
}

const health = {
  status: 'ok',
  missing: [],
  damaged_messages: [],
  backend: 'kubernetes',
  store: 's3',
  finishes_jobs: true,
  jobs: { running: 3 },
}
const notReady = { status: 'not ready', missing: ['the store does not answer'] }

const environments: Operations = {
  'GET /resource/env': {
    id: 'listEnvironments',
    tag: 'environments',
    summary: 'Kept environments, without their values',
    answers: {
      200: {
        description: 'All environments',
        content: json(environmentListAnswer, { environments: [environment], next: null }),
      },
    },
  },
  'POST /resource/env': {
    id: 'createEnvironment',
    tag: 'environments',
    summary: 'Keeps variables for several jobs',
    parameters: [flagQuery('secret', 'Keep them as a Kubernetes Secret')],
    body: [
      ...textContent('text/plain', 'SCENARIO=rain\nSEED=42\n'),
      {
        type: 'multipart/form-data',
        schema: {
          type: 'object',
          properties: { env_file: { type: 'string', description: 'dotenv' } },
          required: ['env_file'],
        },
      },
    ],
    answers: {
      201: {
        description: 'It is kept: `config_map_ref` of a request takes the id',
        headers: ['Location'],
        content: json(environmentAnswer, environment),
        links: { deleteEnvironment: 'id' },
      },
    },
    problems: ['refused', 'conflict'],
  },
  'DELETE /resource/env/:id': {
    id: 'deleteEnvironment',
    tag: 'environments',
    summary: 'Removes a kept environment',
    parameters: [environmentId],
    answers: { 204: { description: 'It is removed' } },
    problems: ['not-found'],
  },
}

export const serviceOperations: Operations = {
  ...environments,
  'GET /limits': {
    id: 'getLimits',
    tag: 'service',
    summary: 'What the operator lets this caller ask for',
    answers: { 200: { description: 'For the token of the request', content: json(limitsAnswer, limits) } },
  },
  'GET /health/live': {
    id: 'isLive',
    tag: 'service',
    summary: 'Whether the process answers',
    answers: { 200: { description: 'The process answers', content: json(liveAnswer, { status: 'live' }) } },
    access: 'open',
  },
  'GET /health/ready': {
    id: 'isReady',
    tag: 'service',
    summary: 'Whether this replica takes requests',
    answers: {
      200: {
        description: 'The replica takes requests, also while the store or the cluster is away',
        content: json(readyAnswer, { status: 'ready', missing: [] }),
      },
      503: { description: 'The replica starts or ends', content: json(readyAnswer, notReady) },
    },
    access: 'open',
  },
  'GET /health': {
    id: 'getHealth',
    tag: 'service',
    summary: 'Backend, store and the numbers of live jobs',
    answers: {
      200: { description: 'The replica takes requests', content: json(healthAnswer, health) },
      503: {
        description: 'The replica starts or ends',
        content: json(healthAnswer, { ...health, ...notReady, damaged_messages: null, jobs: {} }),
      },
    },
  },
  'GET /metrics': {
    id: 'getMetrics',
    tag: 'service',
    summary: 'Metrics for Prometheus',
    answers: {
      200: {
        description: 'In the text format',
        content: textContent('text/plain', '# TYPE jobferry_jobs gauge\njobferry_jobs{state="running"} 3\n'),
      },
    },
  },
  'GET /openapi.json': {
    id: 'getOpenApiDocument',
    tag: 'service',
    summary: 'This document',
    answers: {
      200: {
        description: 'OpenAPI 3.1',
        headers: ['ETag'],
        content: [{ type: 'application/json', schema: { type: 'object' } }],
      },
      304: { description: 'The caller has it already', headers: ['ETag'] },
    },
    access: 'open',
  },
  'GET /docs': {
    id: 'readDocument',
    tag: 'service',
    summary: 'This document as a page',
    answers: { 200: { description: 'HTML', content: textContent('text/html', '<!doctype html>') } },
    access: 'open',
  },
  'GET /docs/:file': {
    id: 'getPagePart',
    tag: 'service',
    summary: 'A file of that page',
    parameters: [
      {
        name: 'file',
        in: 'path',
        description: 'Its name',
        schema: { type: 'string' },
        example: 'swagger-ui.css',
      },
    ],
    answers: {
      200: {
        description: 'Its bytes',
        mayHave: ['ETag', 'Last-Modified', 'Accept-Ranges'],
        content: [bytes('*/*')],
      },
      304: { description: 'The caller has it already', mayHave: ['ETag', 'Last-Modified', 'Accept-Ranges'] },
    },
    problems: ['not-found'],
    access: 'open',
  },
}
