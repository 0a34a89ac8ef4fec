import { invalid } from '../errors.ts'
import type { JobPlan } from '../job/backend.ts'
import type { JobRequest } from '../job/request.ts'
import type { JobRecord } from './record.ts'

/**
 * The record of a new job. `environments` are those of `config_map_ref`, in its order. Throws a Problem
 * `invalid-request` for what no process can be started with.
 */
export function planRecord(
  plan: JobPlan,
  environments: readonly Readonly<Record<string, string>>[],
  createdAt: number,
): JobRecord {
  const { request } = plan
  if (!request.command?.length) {
    const expected = 'the program to run, as a list: without a cluster there is no image to take it from'
    throw invalid('command', 'is missing', expected)
  }
  refuseNul('command', request.command)
  refuseNul('args', request.args ?? [])
  const environment = Object.assign({}, request.job_env, ...environments, request.env) as Record<
    string,
    string
  >
  refuseNul('env', Object.values(environment))
  return {
    version: 1,
    uuid: plan.uuid,
    request: blankEnvironment(request),
    requestSha256: plan.requestSha256,
    ...(plan.inputsSha256 !== undefined && { inputsSha256: plan.inputsSha256 }),
    environment,
    createdAt,
    failedAttempts: 0,
  }
}

function blankEnvironment(request: JobRequest): JobRequest {
  return { ...request, env: Object.fromEntries(Object.keys(request.env).map((name) => [name, ''])) }
}

/** An argument and a variable end at a NUL byte on every Unix. */
function refuseNul(field: string, texts: readonly string[]): void {
  if (texts.some((text) => text.includes('\0')))
    throw invalid(field, 'holds a NUL character', 'text without NUL')
}
