import { beginMessage, signalMessage } from '../../../dataspaces/signaling/signaling-messages.ts'
import { type Signal, signals } from '../../../dataspaces/signaling/signals.ts'
import { flowMessage, flowStatusAnswer } from '../../answers/data-space-answers.ts'
import { links } from '../examples.ts'
import { json, type Operation, type Operations } from '../operation.ts'
import { idIn } from '../parameters.ts'

/** The process id of the examples. */
export const exampleProcess = '0f8e1c7a-1d2b-4c55-8d9c-6c0d9a3b7e21'

const flowId = idIn('The `dataFlowId`: the process id of its start', exampleProcess)
const started = {
  messageId: '3c1f',
  dataFlowId: exampleProcess,
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
const starting = { messageId: '3c1f', dataFlowId: exampleProcess, state: 'STARTING' as const }

const begin = {
  messageId: '91ab',
  participantId: 'did:web:provider.example.com',
  counterPartyId: 'did:web:consumer.example.com',
  dataspaceContext: 'example',
  processId: exampleProcess,
  agreementId: 'agreement-7',
  datasetId: 'quarterly-report',
  profile: 'HttpData-PULL',
  claims: {},
  callbackAddress: 'https://connector.example.com/api/signaling',
}

/** Calls of Dataplane Signaling about one data flow. */
export const dataFlowOperations: Operations = {
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
        content: json(flowStatusAnswer, { dataFlowId: exampleProcess, state: 'STARTED' }),
      },
    },
    problems: ['not-found', 'result-damaged'],
  },
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
      'result-damaged',
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
    problems: ['not-found', 'conflict', 'result-damaged'],
  }
}
