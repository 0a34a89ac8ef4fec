import { type FieldError, invalid, invalidFields } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import {
  type ParameterValues,
  parameterValues,
  parameterVariables,
  withValuesInArguments,
} from '../catalogue/apply-parameters.ts'
import { inputConflicts } from '../inputs/input-conflicts.ts'
import { holdConflicts } from '../pod/hold-conflicts.ts'
import { resourceConflicts } from '../pod/resource-conflicts.ts'
import { stepsOf } from '../steps/effective-steps.ts'
import { stepConflicts } from '../steps/step-conflicts.ts'
import { wordConflicts } from '../word/word-conflicts.ts'
import { requestFields } from './fields.ts'
import type { JobRequest, RequestDefaults } from './request.ts'
import type { ConfiguredJob, PartialRequest } from './request-schema.ts'
import { isWithin } from './syntax.ts'

export const inputDirectory = '/input'
/** An empty folder that the steps of a job share. */
export const scratchDirectory = '/scratch'
/** Limit of a Secret's values, with room for names: the API server refuses more than 1 MiB. */
const maxEnvironmentBytes = 1_000_000

/** The values of absent fields. */
export const requestDefaults = Object.fromEntries(
  Object.entries(requestFields).flatMap(([name, field]) =>
    'default' in field ? [[name, field.default]] : [],
  ),
) as RequestDefaults

/** What says which program runs where no configured job does, with what is expected of it. */
const programs = {
  image: 'an image, or the name of a configured job as "job"',
  command: 'the program to run, as a list, or the name of a configured job as "job"',
  job: 'the name of a configured job',
}

export type ProgramField = keyof typeof programs

export interface RequestParts {
  configured?: ConfiguredJob | undefined
  configData?: PartialRequest | undefined
  request?: PartialRequest | undefined
  envFile?: Record<string, string> | undefined
}

/**
 * The whole request: configured job, `config_data` and `request` laid over each other, later ones
 * win; the environment merged by name; defaults filled in. Rejects with a Problem `invalid-request`
 * where the fields don't fit together, or where neither a configured job nor `program` is given.
 */
export function mergeRequest(parts: RequestParts, program: ProgramField = 'image'): JobRequest {
  const { configured, configData, request, envFile } = parts
  const applied = withParameters(configured, request?.parameters)
  const { env: _, parameters: __, ...given } = { ...applied.fields, ...configData, ...request }
  const { [program]: own, steps } = given
  if (!configured && own === undefined && !(steps && program !== 'job')) {
    throw invalid(program, 'is missing', programs[program])
  }
  const merged: JobRequest = {
    ...requestDefaults,
    ...given,
    ...defined({ parameters: applied.values }),
    job_env: { ...configured?.env },
    env: { ...applied.variables, ...envFile, ...configData?.env, ...request?.env },
  }
  const errors = [...conflicts(merged), ...stepErrors(merged, configured ? 'job' : program)]
  if (errors.length > 0) throw invalidFields(errors)
  return merged
}

/**
 * What a configured job says with these values of its parameters. Throws a Problem
 * `invalid-request` that names each wrong one.
 */
function withParameters(configured: ConfiguredJob | undefined, given: ParameterValues | undefined) {
  if (configured === undefined) {
    if (given !== undefined)
      throw invalid('parameters', 'are those of no job', 'the name of a configured job as "job"')
    return { fields: undefined, values: undefined, variables: {} }
  }
  const { title: _, description: __, locked: ___, parameters: declared = {}, ...job } = configured
  const { values, errors } = parameterValues(declared, given ?? {})
  if (errors.length > 0) throw invalidFields(errors)
  return {
    fields: withValuesInArguments(job, values),
    // Requests of jobs without parameters have the hash that they had before there were any.
    values: configured.parameters === undefined ? undefined : values,
    variables: parameterVariables(declared, values),
  }
}

function* conflicts(request: JobRequest): Generator<FieldError> {
  const { result_directory: results, volumes } = request
  const isTaken = (path: string) => isReserved(path, request)
  if (isTaken(results)) yield taken('result_directory', request)
  if (request.result_storage_class !== undefined && request.result_storage === undefined) {
    yield { field: 'result_storage', problem: 'is missing', expected: 'a size with result_storage_class' }
  }
  if (request.callback_events !== undefined && request.callback === undefined) {
    yield { field: 'callback', problem: 'is missing', expected: 'a URL with callback_events' }
  }
  const seen = new Set<string>()
  for (const [index, { mount_path: path }] of volumes.entries()) {
    const field = `volumes[${index}].mount_path`
    if (isTaken(path)) yield taken(field, request)
    // The uploader mounts the result directory alone: files of this volume would miss the results.
    if (isWithin(path, results)) {
      yield { field, problem: 'lies in the result directory', expected: 'a path outside of it' }
    }
    if (seen.has(path)) yield { field, problem: 'is used twice', expected: 'a path of its own' }
    seen.add(path)
  }
  yield* inputConflicts(request.inputs ?? [])
  yield* wordConflicts(request)
  yield* resourceConflicts(request)
  yield* holdConflicts(request)
  const bytes = [{ ...request.job_env, ...request.env }, ...stepsOf(request).map(({ env }) => env)].flatMap(
    (variables) => Object.entries(variables).flat(),
  )
  if (bytes.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > maxEnvironmentBytes) {
    yield { field: 'env', problem: 'is too large', expected: `at most ${maxEnvironmentBytes} bytes in all` }
  }
}

/** Without a configured job, each step has to say what runs where the field beside it doesn't. */
function stepErrors(request: JobRequest, program: ProgramField): Iterable<FieldError> {
  return stepConflicts(
    request,
    program === 'job' ? undefined : { field: program, expected: programs[program] },
  )
}

const reserved = [inputDirectory, '/proc', '/sys', '/dev']

/** In the folders of inputs and steps, or where container runtimes allow no mount. */
function isReserved(path: string, { steps }: JobRequest): boolean {
  return [...reserved, ...(steps ? [scratchDirectory] : [])].some((folder) => isWithin(path, folder))
}

function taken(field: string, { steps }: JobRequest): FieldError {
  const scratch = steps ? `${scratchDirectory}, ` : ''
  const expected = `a path outside of ${inputDirectory}, ${scratch}/proc, /sys and /dev`
  return { field, problem: 'is reserved', expected }
}
