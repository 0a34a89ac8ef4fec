import { type FieldError, invalid, invalidFields } from '../errors.ts'
import type { JobRequest } from './request.ts'
import type { ConfiguredJob, PartialRequest } from './request-schema.ts'
import { isWithin } from './syntax.ts'

export const inputDirectory = '/input'
/** What a Secret holds, with room for the names: the API server refuses more than 1 MiB. */
const maxEnvironmentBytes = 1_000_000

/** What counts where a field isn't given. */
export const requestDefaults = {
  config_map_ref: [],
  result_directory: '/output',
  volumes: [],
  node_selector: {},
  tolerations: [],
  labels: {},
  retries: 0,
  start_timeout_seconds: 3600,
  stop_grace_seconds: 30,
  upload_timeout_seconds: 3600,
  upload_while_running: true,
  keep_seconds: 3600,
} satisfies Partial<JobRequest>

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
 * The whole request: configured job, `config_data` and `request` laid over each other, later ones win; the
 * environment merged by name; defaults filled in. Rejects with a Problem `invalid-request` where the fields
 * don't fit together, or where neither a configured job nor `program` is given.
 */
export function mergeRequest(parts: RequestParts, program: ProgramField = 'image'): JobRequest {
  const { configured, configData, request, envFile } = parts
  const { env: _, ...given } = { ...configured, ...configData, ...request }
  if (!configured && given[program] === undefined) throw invalid(program, 'is missing', programs[program])
  const merged: JobRequest = {
    ...requestDefaults,
    ...given,
    job_env: { ...configured?.env },
    env: { ...envFile, ...configData?.env, ...request?.env },
  }
  const errors = [...conflicts(merged)]
  if (errors.length > 0) throw invalidFields(errors)
  return merged
}

function* conflicts(request: JobRequest): Generator<FieldError> {
  const { result_directory: results, volumes } = request
  if (isTaken(results)) yield taken('result_directory')
  if (request.result_storage_class !== undefined && request.result_storage === undefined) {
    yield { field: 'result_storage', problem: 'is missing', expected: 'a size with result_storage_class' }
  }
  if (request.callback_events !== undefined && request.callback === undefined) {
    yield { field: 'callback', problem: 'is missing', expected: 'a URL with callback_events' }
  }
  const seen = new Set<string>()
  for (const [index, { mount_path: path }] of volumes.entries()) {
    const field = `volumes[${index}].mount_path`
    if (isTaken(path)) yield taken(field)
    // What is mounted there would be missing from the results: the uploader mounts the result directory alone.
    if (isWithin(path, results)) {
      yield { field, problem: 'lies in the result directory', expected: 'a path outside of it' }
    }
    if (seen.has(path)) yield { field, problem: 'is used twice', expected: 'a path of its own' }
    seen.add(path)
  }
  const bytes = Object.entries({ ...request.job_env, ...request.env }).flat()
  if (bytes.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > maxEnvironmentBytes) {
    yield { field: 'env', problem: 'is too large', expected: `at most ${maxEnvironmentBytes} bytes in all` }
  }
}

/** The inputs' directory, and what no container runtime lets anything be mounted at. */
function isTaken(path: string): boolean {
  return [inputDirectory, '/proc', '/sys', '/dev'].some((folder) => isWithin(path, folder))
}

function taken(field: string): FieldError {
  return { field, problem: 'is taken', expected: 'a path outside of /input, /proc, /sys and /dev' }
}
