import type * as z from 'zod'
import { bulkAnswer } from '../../answers/bulk-answer.ts'
import { jobListAnswer } from '../../answers/job-answers.ts'
import { exampleJob } from '../examples.ts'
import { json, type Operation, type Operations } from '../operation.ts'
import { count, exampleUuid, flagQuery, query } from '../parameters.ts'
import { filterParameters } from './filter-parameters.ts'
import { linksOfJob } from './job-links.ts'

export const listOperations: Operations = {
  'GET /job': {
    id: 'listJobs',
    tag: 'jobs',
    summary: 'Jobs, newest first',
    parameters: [...filterParameters, count('limit', 'Jobs of a page', 1, 10_000, 100), after('page')],
    answers: {
      200: {
        description: 'A page',
        links: linksOfJob('jobs/0/job_uuid'),
        content: json(jobListAnswer, { jobs: [exampleJob], next: `/job?limit=1&after=${exampleUuid}` }),
      },
    },
  },
  'DELETE /job': onAll('delete', 'deleteJobs', 'Deletes all jobs that the filters find'),
  'POST /job/cancel': onAll('cancel', 'cancelJobs', 'Cancels all jobs that the filters find'),
}

function after(what: 'page' | 'call') {
  return query('after', `Where the ${what} begins, as in \`next\` of the ${what} before`, {
    schema: { type: 'string' },
    example: exampleUuid,
  })
}

function onAll(action: 'cancel' | 'delete', id: string, summary: string): Operation {
  const { job_uuid, job, created_at } = exampleJob
  const acted = { job_uuid, job, name: 'rain 42', state: 'running' as const, created_at, done: true }
  const bulk: z.output<typeof bulkAnswer> = {
    action,
    dry_run: false,
    jobs: [acted],
    failed: 0,
    more: false,
    next: null,
  }
  const error = { code: 'unavailable', detail: 'The object store does not answer' }
  return {
    id,
    tag: 'jobs',
    summary,
    description: 'A call without a filter is refused, since it would mean every job.',
    parameters: [
      ...filterParameters,
      count('limit', 'The most jobs of one call', 1, 10_000, 1000),
      after('call'),
      flagQuery('dry_run', 'Only answer which jobs they are'),
    ],
    answers: {
      200: { description: 'Done for all jobs', content: json(bulkAnswer, bulk) },
      207: {
        description: 'Failed for at least one job, which has an `error`',
        content: json(bulkAnswer, { ...bulk, jobs: [{ ...acted, done: false, error }], failed: 1 }),
      },
    },
  }
}
