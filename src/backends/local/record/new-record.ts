import type { JobPlan } from '../../../job/backend.ts'
import type { JobRequest } from '../../../job/request/request.ts'
import { stepsOf } from '../../../job/steps/effective-steps.ts'
import { wordVariable } from '../../../job/word/word-folder.ts'
import { invalid } from '../../../util/errors.ts'
import { defined } from '../../../util/objects.ts'
import type { LocalJobRecord } from './local-job-record.ts'

export interface NewRecord {
  plan: JobPlan
  /** Those of `config_map_ref`, in its order. */
  environments: readonly Readonly<Record<string, string>>[]
  /** True: they may set only variables that the configured job's own `env` names. */
  namedVariablesOnly: boolean
  /** Milliseconds since the epoch. */
  createdAt: number
}

/**
 * The record of a new job. Throws a Problem `invalid-request` if no process can be started with the
 * request.
 */
export function newRecord({ plan, environments, namedVariablesOnly, createdAt }: NewRecord): LocalJobRecord {
  const { request } = plan
  refuseWithoutCommand(request)
  if (namedVariablesOnly) refuseOtherVariables(request, environments)
  refuseNul('command', request.command ?? [])
  refuseNul('args', request.args ?? [])
  const environment: Record<string, string> = Object.assign(
    {},
    request.job_env,
    ...(Object.hasOwn(request.job_env, wordVariable) ? environments : environments.map(withoutWord)),
    request.env,
  )
  refuseNul('env', Object.values(environment))
  return {
    version: 1,
    uuid: plan.uuid,
    request: blankEnvironment(request),
    requestSha256: plan.requestSha256,
    ...defined({ inputsSha256: plan.inputsSha256, madeBy: plan.madeBy }),
    ...defined({ rerunOf: plan.rerunOf, restart: plan.restart, waiting: plan.waiting }),
    environment,
    ...defined({ stepEnvironments: request.steps?.map(({ env = {} }) => env) }),
    createdAt,
    failedAttempts: 0,
  }
}

/** As on a cluster: these variables don't replace one that Jobferry sets itself. */
function withoutWord(environment: Readonly<Record<string, string>>): Record<string, string> {
  const { [wordVariable]: _, ...others } = environment
  return others
}

function refuseWithoutCommand(request: JobRequest): void {
  const expected = 'the program to run, as a list: without a cluster there is no image to take it from'
  if (request.steps === undefined && !request.command?.length)
    throw invalid('command', 'is missing', expected)
  const without = stepsOf(request).findIndex(({ command }) => !command?.length)
  if (without >= 0) throw invalid(`steps[${without}].command`, 'is missing', expected)
}

function blankEnvironment(request: JobRequest): JobRequest {
  const blank = (variables: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.keys(variables).map((name) => [name, '']))
  const steps = request.steps?.map((step) => ({ ...step, ...(step.env && { env: blank(step.env) }) }))
  return { ...request, env: blank(request.env), ...defined({ steps }) }
}

function refuseOtherVariables(request: JobRequest, environments: NewRecord['environments']): void {
  const named = Object.keys(request.job_env)
  const other = environments.flatMap(Object.keys).find((name) => !named.includes(name))
  if (other === undefined) return
  const expected = `environments with variables of the configured job: ${named.join(', ') || '(it names none)'}`
  throw invalid('config_map_ref', `sets ${other}, which is not allowed here`, expected)
}

/** On Unix, arguments and variables end at a NUL byte. */
function refuseNul(field: string, texts: readonly string[]): void {
  if (texts.some((text) => text.includes('\0')))
    throw invalid(field, 'contains a NUL character', 'text without NUL')
}
