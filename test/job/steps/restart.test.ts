import { describe, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import type { JobRequest } from '../../../src/job/request/request.ts'
import { requestDefaults } from '../../../src/job/request/request-merge.ts'
import { changedSteps, refuseIncomplete, restartOf, reusedSteps } from '../../../src/job/steps/restart.ts'
import type { StepState } from '../../../src/job/steps/step-answer.ts'
import type { ManifestHead } from '../../../src/result-format/manifest/manifest.ts'
import { Problem } from '../../../src/util/errors.ts'

const uuid = '0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11'
const attempt = { number: 1, uid: 'a' }
const names = ['stage', 'compute', 'organize']

function job(states: readonly StepState[] | undefined, more: Partial<Job> = {}): Job {
  const steps = states?.map((state, index) => ({ name: names[index] ?? '', state, ...times }))
  const result: Job['result'] = { state: 'complete', count: 1, bytes: 1 }
  const base = { job_uuid: uuid, state: 'failed', attempt, result, reason: 'Error', message: 'why' }
  return { ...base, ...(steps && { steps }), ...more } as Job
}
const times = { exit_code: null, started_at: null, finished_at: null }

/** Where it goes on, or the code of the problem and its text. */
function from(given: Job, step = 'failed'): unknown {
  try {
    return restartOf(given, step).from
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return `${error.code}: ${error.message}`
  }
}

describe('from=failed goes on', () => {
  it.each<[string, StepState[], string]>([
    ['at the step that failed', ['succeeded', 'failed', 'skipped'], 'compute'],
    ['behind a failure that was ignored', ['failed', 'succeeded', 'failed'], 'organize'],
    ['at the step that was to come when the job was stopped', ['succeeded', 'skipped', 'skipped'], 'compute'],
    ['at the first step if none was started', ['skipped', 'skipped', 'skipped'], 'stage'],
    ['behind the steps that an earlier restart has reused', ['reused', 'succeeded', 'failed'], 'organize'],
  ])('%s', (_, states, expected) => expect(from(job(states))).toBe(expected))

  it('with the whole program of a job without steps', () => {
    expect(restartOf(job(undefined), 'failed')).toEqual({ uuid, attempt: 'a' })
  })

  it('nowhere if nothing failed, or nobody saw what did', () => {
    expect(from(job(['succeeded', 'succeeded'], { state: 'succeeded' }))).toContain('it has succeeded')
    expect(from(job(undefined, { state: 'succeeded' }))).not.toContain('from=STEP')
    expect(from(job(['succeeded', 'succeeded']))).toContain('each of its steps has succeeded; from=STEP')
    expect(from(job(['unknown', 'unknown']))).toContain('was not seen')
  })
})

it('a named step is the first that runs if those before it have finished', () => {
  expect(from(job(['succeeded', 'succeeded', 'succeeded'], { state: 'succeeded' }), 'compute')).toBe(
    'compute',
  )
  expect(from(job(['failed', 'failed', 'skipped']), 'compute')).toBe('compute')
  expect(from(job(['unknown', 'unknown']), 'stage')).toBe('stage')
  expect(from(job(['succeeded', 'failed', 'skipped']), 'organize')).toContain(
    'its step compute has not finished; from=compute',
  )
  expect(from(job(['unknown', 'unknown']), 'compute')).toContain('stage was not seen to finish')
})

it('an unknown step is refused with the nearest one, also of a job that is live', () => {
  const live = job(['running', 'waiting', 'waiting'], { state: 'running' })
  expect(from(live, 'compte')).toContain('expected compute (one of failed, stage, compute, organize)')
  expect(from(live, 'compute')).toContain('not-final: ')
  expect(from(job(undefined), 'stage')).toContain('the job has none')
})

it('a job without a result is refused, with the reason', () => {
  const result = (state: Job['result']['state']) => ({ result: { state, count: null, bytes: null } })
  const failed: StepState[] = ['succeeded', 'failed']
  expect(from(job(failed, result('missing')))).toContain('it left no result: Error: why')
  expect(from(job(failed, result('expired')))).toContain('has expired')
  expect(from(job(failed, { attempt: null }))).toContain('it left no result')
})

describe('a result that lacks files', () => {
  const steps = names.map((name) => ({ name }))
  const head: ManifestHead = {
    ...{ version: 1, job: uuid, attempt: 'a', scan_started_at: '', count: 2, bytes: 2, errors: 0 },
  }
  const refused = (change: Partial<ManifestHead>, request: object = {}, step = 'compute') => {
    try {
      return refuseIncomplete(
        { uuid, attempt: 'a', from: step },
        { steps, ...request },
        { ...head, ...change },
      )
    } catch (error) {
      return (error as Error).message
    }
  }

  it.each<[string, Partial<ManifestHead>, object, string]>([
    [
      'of files that were not stored',
      { errors: 1, first_error: { path: 'x', error: 'e' } },
      {},
      'the first is x',
    ],
    [
      'of a limit',
      { limits_reached: [{ name: 'RESULT_MAX_BYTES', value: 1, left_out: 1, first: 'x' }] },
      {},
      'RESULT_MAX_BYTES',
    ],
    ['of a killed uploader', { checkpoint: 3 }, {}, 'before it had listed all files'],
    [
      'by rules',
      {},
      { outputs: { include: ['*'], exclude: ['x'] } },
      '`outputs.include` and `outputs.exclude`',
    ],
  ])('%s is refused', (_, change, request, text) => expect(refused(change, request)).toContain(text))

  it('is taken if no finished step needs them', () => {
    expect(refused({ checkpoint: 3 }, { outputs: { exclude: ['x'] } }, 'stage')).toBeUndefined()
    expect(refused({ checkpoint: 3, all_listed: true }, { outputs: { required: ['x'] } })).toBeUndefined()
  })
})

describe('a request with other steps', () => {
  const request = (fields: Partial<JobRequest>): JobRequest => ({
    ...requestDefaults,
    job_env: {},
    ...fields,
  })
  const given = [{ name: 'stage', command: ['a'] }, { name: 'compute' }, { name: 'organize' }]
  const before = request({ image: 'one', steps: given })
  const restart = { uuid, attempt: 'a', from: 'compute' }
  const fieldsOf = (now: Partial<JobRequest>) =>
    [...changedSteps(restart, before, request({ image: 'one', steps: given, ...now }))].map(
      ({ field }) => field,
    )

  it('may change those that run, and how much of the machine each has', () => {
    const [stage, compute] = given
    const steps = [
      { ...stage, name: 'stage', memory: '2Gi', env: { A: 'x' } },
      { ...compute, name: 'compute', image: 'two' },
    ]
    expect(fieldsOf({ steps, memory: '1Gi', env: { B: 'b' } })).toEqual([])
  })

  it('is refused if it changes one that does not run, or lacks the first that does', () => {
    expect(fieldsOf({ image: 'two' })).toEqual(['image'])
    expect(fieldsOf({ steps: [{ name: 'stage', command: ['b'] }, ...given.slice(1)] })).toEqual([
      'steps[0].command',
    ])
    expect(fieldsOf({ steps: given.slice(1) })).toEqual([
      'steps[0].name',
      'steps[0].command',
      'steps[1].name',
    ])
    expect(fieldsOf({ steps: [...given.slice(0, 1), ...given.slice(2)] })).toEqual(['steps[1].name'])
  })
})

it('counts the steps before the first that runs', () => {
  const steps = names.map((name) => ({ name }))
  expect(reusedSteps(steps, { uuid, attempt: 'a', from: 'organize' })).toBe(2)
  expect([reusedSteps(steps, undefined), reusedSteps(undefined, { uuid, attempt: 'a' })]).toEqual([0, 0])
})
