import { expect, it } from 'vitest'
import { mergeRequest } from '../../../../src/job/request/request-merge.ts'
import { type PartialRequest, parseConfiguredJob } from '../../../../src/job/request/request-schema.ts'
import { rerunParts } from '../../../../src/lifecycle/deploy/again/rerun-parts.ts'
import { Problem } from '../../../../src/util/errors.ts'

const configured = parseConfiguredJob(
  { image: 'a', command: ['run'], env: { A: 'set' }, retries: 2, memory: '1Gi' },
  'analysis',
)

/** As it is kept: without values. */
function stored(request: PartialRequest) {
  const merged = mergeRequest({ configured: request.job === undefined ? undefined : configured, request })
  const blank = (values: object) => Object.fromEntries(Object.keys(values).map((name) => [name, '']))
  return { ...merged, env: blank(merged.env), job_env: blank(merged.job_env) }
}

function again(given: ReturnType<typeof stored>, overrides: PartialRequest = {}, job = configured) {
  return mergeRequest(rerunParts(given, overrides, given.job === undefined ? undefined : job))
}

it('makes the same request of a stored one, with the values of the configured job', () => {
  const request = { memory: '2Gi', name: 'first', args: ['--fast'], timeout_seconds: 9 }
  expect(again(stored({ job: 'analysis', ...request }))).toEqual(
    mergeRequest({ configured, request: { job: 'analysis', ...request } }),
  )
  const alone = { image: 'b', command: ['x'], retries: 1 }
  expect(again(stored(alone))).toEqual(mergeRequest({ request: alone }))
})

it('takes the overriding fields, and merges `env` by name', () => {
  const made = again(stored({ job: 'analysis', env: { B: '1', C: '2' } }), {
    env: { B: '3', C: '4', D: '5' },
    retries: 0,
  })
  expect(made).toMatchObject({ env: { B: '3', C: '4', D: '5' }, retries: 0, memory: '1Gi' })
})

it('repeats what ran, though the configured job says something else by now', () => {
  const changed = parseConfiguredJob({ image: 'b', env: { A: 'new' }, retries: 5 }, 'analysis')
  const given = stored({ job: 'analysis' })
  expect(again(given, {}, changed)).toMatchObject({ image: 'a', retries: 2, job_env: { A: 'new' } })
  // The caller answers for what the operator's configured job does not say.
  const { request, configured: own } = rerunParts(given, {}, changed)
  expect(request).toMatchObject({ image: 'a', command: ['run'], memory: '1Gi', retries: 2 })
  expect(own).toEqual({ job: 'analysis', env: { A: 'new' } })
})

it('judges no field as the caller’s that the configured job says', () => {
  expect(rerunParts(stored({ job: 'analysis', name: 'x' }), {}, configured).request).toEqual({
    name: 'x',
    env: {},
  })
})

it('names each variable whose value has to be sent anew', () => {
  const steps = [{ name: 'one', image: 'a', env: { S: '1' } }]
  const given = stored({ job: 'analysis', env: { B: '1', C: '2' }, steps })
  const withoutA = parseConfiguredJob({ image: 'a' }, 'analysis')
  expect(problemOf(() => rerunParts(given, { env: { B: '' } }, withoutA))).toMatchObject({
    code: 'environment-gone',
    errors: [{ field: 'env.A' }, { field: 'env.C' }, { field: 'steps[0].env.S' }],
  })
  expect(again(given, { env: { B: '', C: '' }, steps })).toMatchObject({ env: { B: '' }, steps })
})

it('refuses another configured job', () => {
  expect(problemOf(() => rerunParts(stored({ job: 'analysis' }), { job: 'x' }, configured))).toMatchObject({
    code: 'invalid-request',
    errors: [{ field: 'job' }],
  })
})

function problemOf(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('no Problem was thrown')
}

it('keeps the parameters, puts their values in again, and merges others by name', () => {
  const parameters = { days: { type: 'integer', default: 3 }, who: { type: 'string', env: 'WHO' } }
  const job = parseConfiguredJob({ image: 'a', args: ['{days}', 'x'], parameters }, 'weather')
  const request = { job: 'weather', parameters: { days: 5, who: 'Ann' } }
  const merged = mergeRequest({ configured: job, request })
  const kept = { ...merged, env: { WHO: '' } }
  expect(again(kept, {}, job)).toEqual(merged)
  expect(rerunParts(kept, {}, job).request).toEqual({ env: {}, parameters: { days: 5, who: 'Ann' } })
  expect(again(kept, { parameters: { days: '7' } }, job)).toMatchObject({
    args: ['7', 'x'],
    env: { WHO: 'Ann' },
    parameters: { days: 7, who: 'Ann' },
  })
  expect(problemOf(() => again(kept, { parameters: { days: 1.5 } }, job))).toMatchObject({
    errors: [{ field: 'parameters.days' }],
  })
})

it('takes a field that is locked by now from the configured job', () => {
  const locking = parseConfiguredJob({ image: 'b', retries: 5, locked: ['image', 'memory'] }, 'analysis')
  const { request, configured: own } = rerunParts(
    stored({ job: 'analysis', env: { A: '' } }),
    { env: { A: '' } },
    locking,
  )
  expect(own).toMatchObject({ image: 'b' })
  expect(request).toEqual({ command: ['run'], retries: 2, env: { A: '' } })
})

it('takes the environments from a configured job that locks `env` by now', () => {
  const job = (fields: object) => parseConfiguredJob({ image: 'a', ...fields }, 'analysis')
  const before = job({ env_from: [{ secret: 'old' }] })
  const kept = mergeRequest({ configured: before, request: { job: 'analysis' } })
  const locking = job({ env_from: [{ secret: 'new' }], locked: ['env'] })
  expect(rerunParts(kept, {}, locking).request).toEqual({ env: {} })
  expect(again(kept, {}, locking).env_from).toEqual([{ secret: 'new' }])
})
