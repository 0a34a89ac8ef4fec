import { ofControlPlane, ofDataPlane } from '../../../dataspaces/provisioning/provision-request.ts'
import {
  beginMessage,
  registration,
  signalMessage,
} from '../../../dataspaces/signaling/signaling-messages.ts'
import { type Signal, signals } from '../../../dataspaces/signaling/signals.ts'
import {
  flowMessage,
  flowStatusAnswer,
  provisionAnswer,
  publicKeysAnswer,
  tokenAnswer,
  tokenErrorAnswer,
} from '../../answers/data-space-answers.ts'
import { links } from '../examples.ts'
import { type Content, json, jsonContent, type Operation, type Operations } from '../operation.ts'
import { exampleUuid, header, type Parameter, query } from '../parameters.ts'
import { unionOf } from '../schemas.ts'

const process = '0f8e1c7a-1d2b-4c55-8d9c-6c0d9a3b7e21'

const flowId = idIn('The `dataFlowId`: the process id of its start', process)
const started = {
  messageId: '3c1f',
  dataFlowId: process,
  state: 'STARTED' as const,
  dataAddress: {
    '@type': 'DataAddress' as const,
    endpointType: 'https://w3id.org/idsa/v4.1/HTTP',
    endpoint: `https://jobferry.example.com${links.result}`,
    endpointProperties: [
      { '@type': 'EndpointProperty' as const, name: 'authorization', value: '<token>' },
      { '@type': 'EndpointProperty' as const, name: 'authType', value: 'bearer' },
    ],
  },
}
const starting = { messageId: '3c1f', dataFlowId: process, state: 'STARTING' as const }

const begin = {
  messageId: '91ab',
  participantId: 'did:web:provider.example.com',
  counterPartyId: 'did:web:consumer.example.com',
  dataspaceContext: 'example',
  processId: process,
  agreementId: 'agreement-7',
  datasetId: 'quarterly-report',
  profile: 'HttpData-PULL',
  claims: {},
  callbackAddress: 'https://connector.example.com/api/signaling',
}
const controlPlane = { controlplaneId: 'connector', endpoint: 'https://connector.example.com/api/signaling' }

export const dataSpaceOperations: Operations = {
  'POST /provision': {
    id: 'provision',
    tag: 'dataspace',
    summary: 'Runs the job of a transfer, for provision-http of Eclipse EDC',
    description:
      'The result is told to the callback of the message. docs/dataspace.md says which token it takes.',
    parameters: [
      query('job', 'The configured job to run', { schema: { type: 'string' }, example: 'analysis' }),
      query('file', 'The file of its result that is given', {
        schema: { type: 'string' },
        example: 'report.csv',
      }),
      query('asset', 'The id of the asset', { schema: { type: 'string' }, example: 'quarterly-report' }),
      query('access_token', 'One of PROVISION_TOKENS, of connectors that can send no header', {
        schema: { type: 'string' },
        example: '<token>',
      }),
    ],
    body: [
      {
        type: 'application/json',
        schema: unionOf(ofControlPlane, ofDataPlane),
        examples: {
          'of a control plane': {
            type: 'provision',
            transferProcessId: process,
            resourceDefinitionId: 'definition-1',
            assetId: 'quarterly-report',
            callbackAddress: 'https://connector.example.com/callback',
          },
          'of a data plane': {
            type: 'provision',
            flowId: process,
            provisionResourceId: 'resource-1',
            callbackAddress: 'https://connector.example.com/callback',
          },
        },
      },
    ],
    answers: {
      200: {
        description: 'The transfer is known; nothing of a job for a deprovision',
        content: json(provisionAnswer, { job_uuid: exampleUuid, links }),
      },
    },
    problems: [
      'not-found',
      'conflict',
      'deletion-under-way',
      'idempotency-key-reused',
      'too-many-jobs',
      'refused',
    ],
    access: 'provision',
  },
  'POST /dataflows/start': beginning(
    'start',
    'Starts a data flow: gives the address of the data, or begins the job of it',
  ),
  'POST /dataflows/prepare': beginning(
    'prepare',
    'Makes the data of a flow, so that its start is answered at once',
  ),
  ...Object.fromEntries(signals.map((signal) => [`POST /dataflows/:id/${signal}`, signalOperation(signal)])),
  'GET /dataflows/:id/status': {
    id: 'getDataFlow',
    tag: 'dataspace',
    summary: 'The state of a data flow',
    parameters: [flowId],
    answers: {
      200: {
        description: 'With `error` if there will be no data',
        content: json(flowStatusAnswer, { dataFlowId: process, state: 'STARTED' }),
      },
    },
    problems: ['not-found'],
  },
  ...controlPlanes(),
  ...tokens(),
}

function beginning(kind: 'start' | 'prepare', summary: string): Operation {
  return {
    id: kind === 'start' ? 'startDataFlow' : 'prepareDataFlow',
    tag: 'dataspace',
    summary,
    body: json(beginMessage, begin),
    answers: {
      200: { description: 'It is done', content: json(flowMessage, started) },
      202: {
        description: 'A job makes the data; a call to the control plane follows',
        headers: ['Location'],
        content: json(flowMessage, starting),
      },
    },
    problems: [
      'not-found',
      'not-final',
      'result-missing',
      'expired',
      'conflict',
      'deletion-under-way',
      'idempotency-key-reused',
      'too-many-jobs',
      'refused',
    ],
  }
}

function signalOperation(signal: Signal): Operation {
  const summaries: Record<Signal, string> = {
    started: 'Says that a flow has started',
    suspend: 'Closes the data of a flow for a while',
    resume: 'Opens the data of a suspended flow',
    completed: 'Ends a flow: its data are closed',
    terminate: 'Ends a flow early: its data are closed, its own job is canceled',
  }
  const id =
    { started: 'confirmDataFlow', completed: 'completeDataFlow' }[signal as string] ?? `${signal}DataFlow`
  return {
    id,
    tag: 'dataspace',
    summary: summaries[signal],
    parameters: [flowId],
    // Connectors may send `completed` without a body, and it is not read.
    ...(signal !== 'completed' && { body: json(signalMessage, { messageId: '91ac' }) }),
    answers: { 200: { description: 'The flow as it is now', content: json(flowMessage, started) } },
    problems: ['not-found', 'conflict'],
  }
}

function controlPlanes(): Operations {
  const id = idIn("The control plane's id", controlPlane.controlplaneId)
  return {
    'PUT /controlplanes': {
      id: 'registerControlPlane',
      tag: 'dataspace',
      summary: 'Registers a control plane, or changes its registration',
      body: json(registration, controlPlane),
      answers: { 200: { description: 'It is registered' } },
    },
    'PUT /controlplanes/:id': {
      id: 'updateControlPlane',
      tag: 'dataspace',
      summary: 'Changes the registration of a control plane',
      parameters: [id],
      body: json(registration, controlPlane),
      answers: { 200: { description: 'It is registered' } },
    },
    'DELETE /controlplanes/:id': {
      id: 'unregisterControlPlane',
      tag: 'dataspace',
      summary: 'Removes the registration of a control plane',
      parameters: [id],
      answers: { 204: { description: 'It is removed' } },
      problems: ['not-found'],
    },
  }
}

function tokens(): Operations {
  const refused: Content = jsonContent(tokenErrorAnswer, {
    refused: { error: 'invalid_grant', error_description: 'The refresh token is unknown' },
  })
  return {
    'POST /token': {
      id: 'getToken',
      tag: 'dataspace',
      summary: 'Renews an access token to data, or gives a control plane a token (RFC 6749)',
      parameters: [
        header(
          'Authorization',
          'As RFC 6749 says: Basic, or the signed token of a renewal',
          'Basic Y29ubmVjdG9yOnNlY3JldA==',
        ),
      ],
      body: [
        {
          type: 'application/x-www-form-urlencoded',
          schema: {
            type: 'object',
            properties: {
              grant_type: { type: 'string', enum: ['refresh_token', 'client_credentials'] },
              refresh_token: { type: 'string' },
              client_id: { type: 'string' },
              client_secret: { type: 'string' },
            },
            required: ['grant_type'],
          },
          examples: { renewal: { grant_type: 'refresh_token', refresh_token: '<token>' } },
        },
      ],
      bodyIsOptional: true,
      answers: {
        200: {
          description: 'A token',
          content: json(tokenAnswer, { access_token: '<token>', token_type: 'Bearer', expires_in: 300 }),
        },
        400: { description: 'The request is wrong, or the token to renew is', content: [refused] },
        401: {
          description: 'The caller is unknown',
          headers: ['WWW-Authenticate'],
          content: [refused],
        },
        503: { description: 'Ask again later', headers: ['Retry-After'], content: [refused] },
      },
      access: 'token-request',
    },
    'GET /.well-known/jwks.json': {
      id: 'getPublicKeys',
      tag: 'dataspace',
      summary: 'The public key with which this data plane signs tokens (RFC 7517)',
      answers: {
        200: {
          description: 'A JSON Web Key Set',
          content: json(publicKeysAnswer, {
            keys: [{ kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1B…', y: 'x_FEzRu9m36H…', kid: '1' }],
          }),
        },
      },
      access: 'open',
    },
  }
}

function idIn(description: string, example: string): Parameter {
  return { name: 'id', in: 'path', description, schema: { type: 'string' }, example }
}
