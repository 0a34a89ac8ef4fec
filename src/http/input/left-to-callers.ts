import { environmentFields, lockedErrors } from '../../job/catalogue/locked-errors.ts'
import type { RequestParts } from '../../job/request/request-merge.ts'
import type { ConfiguredJob } from '../../job/request/request-schema.ts'
import { type FieldError, forbiddenFields, invalidFields } from '../../util/errors.ts'

type CallersParts = Omit<RequestParts, 'configured'>

/**
 * Throws a Problem that names each field which the configured job does not leave to its callers:
 * `forbidden` for its `locked` ones, `invalid-request` for variables that its parameters set.
 */
export function refuseOthersFields(parts: CallersParts, configured: ConfiguredJob | undefined): void {
  const { request, configData, envFile = {} } = parts
  const locked = lockedErrors(configured?.locked ?? [], {
    given: { ...configData, ...request },
    envFile: Object.keys(envFile).length > 0,
  })
  if (locked.length > 0) throw forbiddenFields(locked)
  const errors = [...variablesOfParameters(parts, configured), ...environmentsOfCallers(parts, configured)]
  if (errors.length > 0) throw invalidFields(errors)
}

/** Throws a Problem `forbidden` if the job locks `inputs`, for files that came with the request. */
export function refuseLockedInputs(configured: ConfiguredJob | undefined): void {
  if (!configured?.locked?.includes('inputs')) return
  const problem = 'is locked by the configured job (inputs)'
  throw forbiddenFields([{ field: 'input', problem, expected: 'no input' }])
}

/**
 * Throws a Problem `invalid-request` for variables of the caller's own: declared parameters are all
 * that callers set, or where there are none the variables that the job's `env` names.
 */
export function refuseOwnVariables(parts: CallersParts, configured: ConfiguredJob | undefined): void {
  const { request, configData } = parts
  const { parameters, env = {} } = configured ?? {}
  const named = parameters === undefined ? Object.keys(env) : []
  const expected =
    parameters === undefined
      ? `a variable of the configured job: ${named.join(', ') || '(it names none)'}`
      : `\`parameters\`: ${Object.keys(parameters).join(', ')}`
  const errors = variablesIn(parts)
    .filter(({ name }) => !named.includes(name))
    .map(({ at }) => ({ field: at, problem: 'is not allowed here', expected }))
  const references = { ...configData, ...request }.config_map_ref ?? []
  if (parameters !== undefined && references.length > 0) {
    errors.push({ field: 'config_map_ref', problem: 'is not allowed here', expected })
  }
  if (errors.length > 0) throw invalidFields(errors)
}

/** Set past its parameter, a variable could have a value that the parameter refuses. */
function* variablesOfParameters(
  parts: CallersParts,
  configured: ConfiguredJob | undefined,
): Generator<FieldError> {
  const owners = new Map(
    Object.entries(configured?.parameters ?? {}).map(([parameter, { env }]) => [env, parameter]),
  )
  const variables = [
    ...variablesIn(parts),
    ...(parts.request?.steps ?? []).flatMap(({ env = {} }, index) =>
      Object.keys(env).map((name) => ({ name, at: `steps[${index}].env.${name}` })),
    ),
  ]
  for (const { name, at } of variables) {
    const parameter = owners.get(name)
    if (parameter === undefined) continue
    yield {
      field: at,
      problem: `is set by the parameter ${parameter}`,
      expected: `parameters.${parameter}`,
    }
  }
}

/**
 * Environments of the caller's, whose names of variables are not known here, while a parameter has
 * no value that would win over them. A `required` one that lacks it is refused anyhow.
 */
function* environmentsOfCallers(
  { request, configData }: CallersParts,
  configured: ConfiguredJob | undefined,
): Generator<FieldError> {
  const fields = { ...configData, ...request }
  const given = environmentFields.filter((field) => (fields[field] ?? []).length > 0)
  for (const [parameter, { env, required, default: standard }] of Object.entries(
    configured?.parameters ?? {},
  )) {
    if (env === undefined || required || standard !== undefined) continue
    if (Object.hasOwn(request?.parameters ?? {}, parameter)) continue
    for (const field of given) {
      const problem = `could set ${env} past the parameter ${parameter}`
      yield { field, problem, expected: `parameters.${parameter} beside it, or no ${field}` }
    }
  }
}

function variablesIn({ request, configData, envFile }: CallersParts): { name: string; at: string }[] {
  return Object.keys({ ...envFile, ...configData?.env, ...request?.env }).map((name) => ({
    name,
    at: `env.${name}`,
  }))
}
