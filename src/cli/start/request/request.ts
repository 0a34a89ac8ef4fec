import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { buffer } from 'node:stream/consumers'
import { parse } from 'yaml'
import type { JobRequest } from '../../../client/index.ts'
import { parseRequestYaml } from '../../../job/request/request-yaml.ts'
import { CommandError, exitCodes, usageError } from '../../exit-codes.ts'
import {
  bashCommand,
  checkPayload,
  type HelperFlags,
  payloadOf,
  usesHelper,
  withHelperFlags,
} from './helper-flags.ts'
import { readPayloads } from './payloads.ts'

/** The options of `run` and `submit` that make the request. */
export interface RequestOptions extends HelperFlags {
  file?: string
  job?: string
  param?: string[]
  name?: string
  label?: string[]
  image?: string
  cpu?: string
  memory?: string
  gpu?: string
  env?: string[]
  set?: string[]
  timeout?: string
  retries?: string
  /** A file with a command a line: a job for each. */
  payloads?: string
}

/** A request without all of these says nothing of a program. */
const whatRuns = ['job', 'image', 'command', 'args', 'steps']

/**
 * As fieldsOf(), a request for each payload; of the configured job `default` if no program is named, as
 * GET /job/deploy.
 */
export async function requestsOf(
  options: RequestOptions,
  command: readonly string[],
): Promise<[JobRequest, ...JobRequest[]]> {
  const { payloads, file } = options
  if (payloads === undefined) {
    const request = await fieldsOf(options, command)
    return [whatRuns.some((field) => field in request) ? request : { ...request, job: 'default' }]
  }
  if (command.length > 0)
    throw usageError('--payloads is given together with a command; expected one of the two')
  if (payloads === '-' && file === '-') throw usageError('--payloads and --file: both are standard input')
  const [first = '', ...others] = await readPayloads(payloads)
  const request = await fieldsOf(options, [])
  const requestFor = (payload: string) => ({ ...request, command: bashCommand(payload) })
  return [requestFor(first), ...others.map(requestFor)]
}

/** The request of a file, with what the options say in place of its fields. */
export async function fieldsOf(options: RequestOptions, command: readonly string[]): Promise<JobRequest> {
  const { file, job, name, image, cpu, memory, gpu, timeout, retries } = options
  if (image !== undefined && options.k8sImage !== undefined) {
    throw usageError('--image is given together with --k8s-image; expected one of the two')
  }
  let request: Record<string, unknown> = file === undefined ? {} : await readRequest(file)
  const isHelper = usesHelper(options)
  const fields = {
    ...{ job, name, image, cpu, memory },
    gpu: wholeNumber('--gpu', gpu),
    timeout_seconds: wholeNumber('--timeout', timeout),
    retries: wholeNumber('--retries', retries),
    command: command.length === 0 ? undefined : commandOf(command, isHelper),
  }
  for (const [field, value] of Object.entries(fields)) if (value !== undefined) request[field] = value
  if (options.env !== undefined) {
    const before = (request.env ?? {}) as Record<string, unknown>
    request.env = { ...before, ...Object.fromEntries(options.env.map(variableOf)) }
  }
  if (options.param !== undefined) {
    const before = (request.parameters ?? {}) as Record<string, unknown>
    // The server takes a text as the value that it means for the parameter's type.
    const parameters = options.param.map((text) => pairOf('--param', text))
    request.parameters = { ...before, ...Object.fromEntries(parameters) }
  }
  if (options.label !== undefined) {
    const before = (request.labels ?? {}) as Record<string, unknown>
    const labels = options.label.map((text) => pairOf('--label', text))
    request.labels = { ...before, ...Object.fromEntries(labels) }
  }
  if (isHelper) request = { ...withHelperFlags(request, options) }
  for (const text of options.set ?? []) {
    const [field, value] = pairOf('--set', text)
    request[field] = parse(value) as unknown
  }
  return request
}

function commandOf(words: readonly string[], isHelper: boolean): readonly string[] {
  return isHelper ? bashCommand(checkPayload(payloadOf(words))) : words
}

/** A request in JSON or YAML; `-` is standard input. */
async function readRequest(file: string): Promise<Record<string, unknown>> {
  const bytes = file === '-' ? await buffer(process.stdin) : await readFile(file)
  let value: unknown
  try {
    value = parseRequestYaml(bytes)
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${file} is neither JSON nor YAML: ${(error as Error).message}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw usageError(`${file} is no request; expected an object with the fields of docs/fields.md`)
}

/** `NAME=VALUE`, or `NAME` for the value that this shell has. */
function variableOf(text: string): [string, string] {
  if (text.includes('=')) return pairOf('--env', text)
  const value = process.env[text]
  if (value !== undefined) return [text, value]
  throw usageError(`--env ${text}: this shell has no such variable; expected NAME=VALUE`)
}

function pairOf(option: string, text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw usageError(`${option} ${text}: has no name; expected NAME=VALUE`)
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text)
  throw usageError(`${option} ${text}: is no whole number`)
}
