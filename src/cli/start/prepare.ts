import type { JobRequest } from '../../client/index.ts'
import { usageError } from '../exit-codes.ts'
import type { Output } from '../terminal/output.ts'
import { type CommandInputs, commandInputs } from './inputs/input-files.ts'
import { withSources } from './inputs/with-sources.ts'
import { type RequestOptions, requestsOf } from './request/request.ts'

export interface DeployCommandOptions extends RequestOptions {
  input?: string[]
  idempotencyKey?: string
  /** Most jobs of `--payloads` at once. */
  maxConcurrent?: string
  /** Shows what would be made. */
  debug?: boolean
}

/** What is to be deployed: a request for each job, and the inputs of each. */
export interface Prepared {
  requests: readonly [JobRequest, ...JobRequest[]]
  inputs: CommandInputs
  /** Undefined: no limit was given. */
  mostAtOnce: number | undefined
  /** Of one job; of several, each has its number behind it. */
  idempotencyKey: string | undefined
}

/** Reads all that the options name. Throws a CommandError. */
export async function prepare(options: DeployCommandOptions, command: readonly string[]): Promise<Prepared> {
  const { maxConcurrent, idempotencyKey } = options
  const inputs = await commandInputs(options.input ?? [])
  const sources = inputs.sources.map((from) => ({ from }))
  const [first, ...others] = await requestsOf(options, command)
  if (maxConcurrent !== undefined && options.payloads === undefined) {
    throw usageError('--max-concurrent is for several jobs; expected --payloads beside it')
  }
  const mostAtOnce = maxConcurrent === undefined ? undefined : mostOf(maxConcurrent)
  const requests: Prepared['requests'] = [
    withSources(first, sources),
    ...others.map((request) => withSources(request, sources)),
  ]
  return { requests, inputs, mostAtOnce, idempotencyKey }
}

/** `--debug`: the requests that would be sent, in the form that `-f` takes; nothing is made. */
export function showPrepared(out: Output, { requests, inputs }: Prepared): number {
  for (const request of requests) {
    if (out.json) out.value(request)
    else out.line(JSON.stringify(request, null, 2))
  }
  for (const { name } of inputs.files) out.note(`with the input ${name}`)
  return 0
}

function mostOf(text: string): number {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (number >= 1) return number
  throw usageError(`--max-concurrent ${text}: is not allowed; expected a whole number from 1 to 999`)
}
