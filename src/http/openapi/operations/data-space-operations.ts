import { ofControlPlane, ofDataPlane } from '../../../dataspaces/provisioning/provision-request.ts'
import { registration } from '../../../dataspaces/signaling/signaling-messages.ts'
import { provisionAnswer } from '../../answers/data-space-answers.ts'
import { links } from '../examples.ts'
import { json, type Operations } from '../operation.ts'
import { exampleUuid, idIn, query } from '../parameters.ts'
import { unionOf } from '../schemas.ts'
import { dataFlowOperations, exampleProcess } from './data-flow-operations.ts'
import { tokenOperations } from './token-operations.ts'

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
            transferProcessId: exampleProcess,
            resourceDefinitionId: 'definition-1',
            assetId: 'quarterly-report',
            callbackAddress: 'https://connector.example.com/callback',
          },
          'of a data plane': {
            type: 'provision',
            flowId: exampleProcess,
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
      'result-damaged',
    ],
    access: 'provision',
  },
  ...dataFlowOperations,
  ...controlPlanes(),
  ...tokenOperations,
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
