import { partialRequest } from '../../../job/request/request-schema.ts'
import { deployAnswer, jobAnswer, previewAnswer } from '../../answers/job-answers.ts'
import { exampleJob, links, runningJob } from '../examples.ts'
import {
  bytes,
  type Content,
  json,
  jsonContent,
  type OperationAnswer,
  type Operations,
} from '../operation.ts'
import {
  exampleUuid,
  flagQuery,
  idempotencyKeyHeader,
  jobIdParameter,
  query,
  waitParameters,
} from '../parameters.ts'
import { unionOf } from '../schemas.ts'
import { fieldParameters } from './field-parameters.ts'
import { linksOfJob } from './job-links.ts'

const deployed = { status: 'job deployed' as const, job_uuid: exampleUuid, links }
const examples = {
  deployed,
  'some fields have no effect here': { ...deployed, ignored: ['cpu', 'memory'] },
  'with wait, after its end': { status: 'job deployed' as const, ...exampleJob },
}

const requestExamples = {
  'an image': {
    image: 'registry.example/simulation:3',
    args: ['--seed', '42'],
    env: { SCENARIO: 'rain' },
    cpu: '2',
    memory: '4Gi',
    timeout_seconds: 7200,
  },
  'a configured job': { job: 'analysis', env: { YEAR: '2026' } },
  'with parameters': { job: 'weather', parameters: { region: 'south', days: 5 } },
  'several steps': {
    image: 'registry.example/tools:1',
    steps: [
      { name: 'stage', command: ['fetch', '--all'] },
      { name: 'compute', image: 'registry.example/model:7', gpu: 1, memory: '32Gi' },
    ],
  },
  'with inputs and outputs': {
    job: 'analysis',
    inputs: [{ from: 'https://data.example/drive.bag', to: 'drive.bag' }],
    outputs: { include: ['**/*.csv'], required: ['report.csv'] },
  },
}

const form: Content = {
  type: 'multipart/form-data',
  schema: {
    type: 'object',
    properties: {
      request: { $ref: '#/components/schemas/JobRequest' },
      config_data: {
        type: 'string',
        description:
          'Instead of `request`: dotenv with WORKER_IMAGE, GPU, RESULT_DIRECTORY and IMAGE_PULL_SECRET',
      },
      env_file: { type: 'string', description: 'dotenv: variables of the worker' },
      input: {
        type: 'array',
        items: { type: 'string', format: 'binary' },
        description:
          'Files that the container finds in `/input`, under their names, which may have folders: `tables/a.csv`',
      },
    },
    additionalProperties: false,
  },
}

const answer: OperationAnswer = {
  description: 'The cluster has accepted the Job; with `wait` the whole job, as it is then',
  mayHave: ['Preference-Applied'],
  content: [jsonContent(deployAnswer, examples)],
  links: linksOfJob('job_uuid'),
}

const preview = {
  dry_run: true as const,
  request: { job: 'analysis', env: { YEAR: '(hidden)' }, parameters: { days: 3 }, retries: 0 },
  manifest: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: `job-${exampleUuid}` } },
}
const dryRun = flagQuery(
  'dry_run',
  'Only answer what would be made: nothing is, and no Idempotency-Key is used',
)

const problems = [
  'deletion-under-way',
  'conflict',
  'idempotency-key-reused',
  'too-many-jobs',
  'refused',
  'not-found',
  'result-damaged',
] as const

const restartFrom = query('from', 'The step to go on at, or `failed`: the one that failed', {
  schema: { type: 'string' },
  example: 'failed',
})

export const deployOperations: Operations = {
  'GET /job/deploy': {
    id: 'deployConfiguredJob',
    tag: 'jobs',
    summary: 'Deploys a configured job',
    description:
      'The job `default`, or the one that `job` names; fields with plain values are parameters, and `parameters.NAME=VALUE` gives a parameter of the job. A HEAD is refused, since the call makes a job.',
    // Converting the schemas takes some milliseconds.
    get parameters() {
      return [...fieldParameters(), ...waitParameters, dryRun, idempotencyKeyHeader]
    },
    answers: {
      200: {
        ...answer,
        description: `${answer.description}. With \`dry_run\`, what would be made`,
        content: [
          {
            type: 'application/json',
            schema: unionOf(deployAnswer, previewAnswer),
            examples: { ...examples, 'with dry_run': preview },
          },
        ],
      },
    },
    problems,
  },
  'POST /job/deploy': {
    id: 'deployJob',
    tag: 'jobs',
    summary: 'Deploys a job',
    description:
      'A request as JSON, or as a form with input files. In `env` a number or boolean is taken as the text as it is written.',
    parameters: [...waitParameters, dryRun, idempotencyKeyHeader],
    body: [jsonContent(partialRequest, requestExamples), form],
    answers: {
      200: {
        description: 'With `dry_run`: what would be made',
        content: json(previewAnswer, preview),
      },
      201: { ...answer, headers: ['Location'] },
    },
    problems,
  },
  'POST /job/:id/rerun': {
    id: 'rerunJob',
    tag: 'jobs',
    summary: 'Deploys the request of a job again',
    description:
      'With exactly the inputs that it had, unless the body has `inputs`. Fields of the body override those of the request; `env` is merged by name. With `from` its result directory begins with what the other job had stored, and steps before that one are reused.',
    parameters: [jobIdParameter, restartFrom, ...waitParameters, idempotencyKeyHeader],
    body: [jsonContent(partialRequest, { 'more memory': { memory: '8Gi', env: { SEED: '43' } } })],
    bodyIsOptional: true,
    answers: { 201: { ...answer, headers: ['Location'] } },
    problems: [
      ...problems,
      ...(['environment-gone', 'inputs-gone', 'inputs-changed'] as const),
      ...(['not-final', 'restart-impossible'] as const),
    ],
  },
  'GET /demo': {
    id: 'runDemo',
    tag: 'jobs',
    summary: 'Deploys the job `default`, waits, and answers with one file of its result',
    description: 'For people at a browser. The file is the one that `demo_file` of the configured job names.',
    parameters: [idempotencyKeyHeader],
    answers: {
      200: {
        description: 'The bytes of the file',
        headers: ['Location', 'ETag', 'Jobferry-Result-State'],
        mayHave: ['Repr-Digest', 'Last-Modified', 'Accept-Ranges', 'Content-Disposition'],
        content: [bytes('*/*')],
      },
      202: {
        description: 'The job has not ended yet: Location names it',
        headers: ['Location', 'Retry-After'],
        content: json(jobAnswer, runningJob),
      },
      206: {
        description: 'The range of bytes that was asked for',
        headers: ['Location', 'ETag', 'Jobferry-Result-State', 'Content-Range'],
        mayHave: ['Repr-Digest', 'Last-Modified', 'Accept-Ranges', 'Content-Disposition'],
        content: [bytes('*/*')],
      },
      304: {
        description: 'The caller has the bytes already',
        headers: ['Location', 'ETag', 'Jobferry-Result-State'],
        mayHave: ['Last-Modified'],
      },
    },
    problems: [
      ...problems,
      'not-final',
      'result-missing',
      'not-a-readable-file',
      'expired',
      'precondition-failed',
      'range-not-satisfiable',
      'job-failed',
      'busy',
    ],
  },
}
