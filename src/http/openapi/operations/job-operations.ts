import { callbacksAnswer, redeliverAnswer } from '../../answers/callback-answers.ts'
import { jobAnswer } from '../../answers/job-answers.ts'
import { exampleDelivery, exampleJob, runningJob } from '../examples.ts'
import { json, type Operation, type Operations, textContent } from '../operation.ts'
import {
  count,
  exampleUuid,
  flagQuery,
  jobIdParameter,
  lastEventId,
  query,
  waitParameters,
} from '../parameters.ts'
import { listOperations } from './list-operations.ts'

/** A job is read from its record, which may be damaged. */
const ofOneJob = ['not-found', 'result-damaged'] as const

const log: Operation = {
  id: 'getLog',
  tag: 'jobs',
  summary: 'The log of a job',
  description:
    'Of the last attempt, unless `attempt` names another one. If it breaks off, the connection is reset.',
  parameters: [
    jobIdParameter,
    query('container', 'The program whose log it is', {
      schema: { type: 'string', enum: ['worker', 'uploader'], default: 'worker' },
    }),
    query('step', 'The name of one of its `steps`; without it the step that started last', {
      schema: { type: 'string' },
      example: 'compute',
    }),
    flagQuery('follow', 'Stay, and send what is written until the program ends'),
    count('tail', 'Only so many last lines', 0, 1_000_000_000),
    count('attempt', 'An earlier attempt, counted from 1', 1, 1_000_000),
  ],
  answers: {
    200: {
      description: 'What the program wrote; `charset=utf-8` unless its bytes are something else',
      mayHave: ['Jobferry-Log-Beginning'],
      content: textContent('text/plain', 'epoch 1 of 30\nepoch 2 of 30\n'),
    },
  },
  problems: [...ofOneJob, 'not-started', 'expired', 'conflict', 'not-final'],
}

const eventStream = [
  {
    type: 'text/event-stream',
    // Without a type, which some tools take for the whole text's, others for each event's.
    schema: { description: 'Events of text, as the HTML standard says' },
    examples: { example: 'id: 1-running-\nevent: state\ndata: {"job_uuid": "…", "state": "running"}\n\n' },
  },
]
const events =
  'Server-sent events: `state` has a Job as data, `progress` a ProgressEvent, `word` a WordEvent, `deleted` its `job_uuid`, `reset` nothing: changes were missed'

export const jobOperations: Operations = {
  ...listOperations,
  'GET /job/:id': {
    id: 'getJob',
    tag: 'jobs',
    summary: 'One job: state, reason, exit code, result',
    parameters: [jobIdParameter, ...waitParameters],
    answers: {
      200: {
        description: 'The job as it is now',
        mayHave: ['Preference-Applied'],
        content: json(jobAnswer, exampleJob),
      },
    },
    problems: ofOneJob,
  },
  'DELETE /job/:id': {
    id: 'deleteJob',
    tag: 'jobs',
    summary: 'Stops a job and removes all of it',
    description: 'Its results, too. A job that does not exist counts as removed.',
    parameters: [jobIdParameter],
    answers: { 204: { description: 'It is removed, or will be' } },
  },
  'POST /job/:id/cancel': {
    id: 'cancelJob',
    tag: 'jobs',
    summary: 'Stops a job and keeps what it had produced',
    parameters: [jobIdParameter],
    answers: {
      200: { description: 'It had ended already', content: json(jobAnswer, exampleJob) },
      202: {
        description: 'The decision stands; the worker may run on within its grace period',
        content: json(jobAnswer, runningJob),
      },
    },
    problems: [...ofOneJob, 'deletion-under-way', 'conflict'],
  },
  'POST /job/:id/deliver': {
    id: 'deliverResult',
    tag: 'jobs',
    summary: "Delivers the result to the targets of the request's `outputs.deliver` once more",
    description:
      'Does nothing while they are under way. A file that an earlier delivery sent, and that is still there unchanged, is not sent again.',
    parameters: [jobIdParameter],
    answers: {
      202: {
        description: 'It is ordered; `deliveries` says how far it is',
        content: json(jobAnswer, exampleJob),
      },
    },
    problems: ['not-found', 'not-final', 'expired', 'result-missing', 'conflict'],
  },
  'GET /job/:id/log': log,
  'GET /job/:id/events': {
    id: 'followJob',
    tag: 'jobs',
    summary: 'States and progress of one job, as server-sent events',
    parameters: [jobIdParameter, lastEventId],
    answers: {
      200: { description: `${events}. It ends with the job`, content: eventStream },
      204: {
        description: 'The job has ended, and the client has seen its last event: no reason to reconnect',
      },
    },
    problems: ofOneJob,
  },
  'GET /events': {
    id: 'followAllJobs',
    tag: 'jobs',
    summary: 'States and progress of all jobs, as server-sent events',
    parameters: [lastEventId],
    answers: { 200: { description: `${events}. From now on, without an end`, content: eventStream } },
  },
  'GET /job/:id/callbacks': {
    id: 'listCallbacks',
    tag: 'jobs',
    summary: 'Messages that were sent because of a job',
    parameters: [jobIdParameter],
    answers: {
      200: {
        description: 'Oldest first, each with its last attempts',
        content: json(callbacksAnswer, { job_uuid: exampleUuid, callbacks: [exampleDelivery] }),
      },
    },
    problems: ofOneJob,
  },
  'POST /job/:id/callbacks/redeliver': {
    id: 'redeliverCallback',
    tag: 'jobs',
    summary: 'Sends the newest callback of a job again',
    parameters: [jobIdParameter],
    answers: {
      202: {
        description: 'It will be sent',
        content: json(redeliverAnswer, {
          job_uuid: exampleUuid,
          redelivered: { ...exampleDelivery, state: 'pending', next_at: '2026-11-29T08:20:00.000Z' },
        }),
      },
    },
    problems: [...ofOneJob, 'conflict'],
  },
}
