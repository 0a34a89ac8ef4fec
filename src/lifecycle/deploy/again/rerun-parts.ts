import { parameterVariables, withValuesInArguments } from '../../../job/catalogue/apply-parameters.ts'
import { catalogueFields } from '../../../job/catalogue/catalogue-fields.ts'
import { lockedFields } from '../../../job/catalogue/locked-errors.ts'
import { requestFields } from '../../../job/request/fields.ts'
import type { JobRequest } from '../../../job/request/request.ts'
import { requestDefaults } from '../../../job/request/request-merge.ts'
import { type ConfiguredJob, type PartialRequest, parseRequest } from '../../../job/request/request-schema.ts'
import { type FieldError, invalid, Problem } from '../../../util/errors.ts'

/** The parts of a request that make a stored one again, as a caller would give them. */
export interface RerunParts {
  /** What the configured job still says as the stored request does: the operator's, not the caller's. */
  configured: ConfiguredJob | undefined
  request: PartialRequest
}

/**
 * `configured` is the configured job of the stored request's name as it is now. The values of
 * variables are not stored: those of the configured job are taken from it, all others have to be
 * among the `overrides`, which replace the stored fields; `env` and `parameters` are merged by name.
 * The first `reused` steps need no values: they do not run.
 * A field that the configured job locks now is as that job says. Throws a Problem
 * `environment-gone` that names each variable without a value, and `invalid-request` for another
 * job and for stored fields that this version does not allow.
 */
export function rerunParts(
  stored: JobRequest,
  overrides: PartialRequest,
  configured: ConfiguredJob | undefined,
  reused = 0,
): RerunParts {
  if (overrides.job !== undefined && overrides.job !== stored.job) {
    throw invalid('job', "is not the rerun job's", 'no other configured job: deploy that one')
  }
  const env = overrides.env ?? {}
  const { values, gone } = configuredEnvironment(stored, configured)
  const parameters = { ...stored.parameters, ...overrides.parameters }
  const known = Object.keys(parameterVariables(configured?.parameters ?? {}, parameters))
  const missing = [
    ...gone.filter((name) => env[name] === undefined),
    ...missingOf(stored, overrides, { known, reused }),
  ]
  if (missing.length > 0) throw environmentGone(missing)
  const locked = lockedFields(configured?.locked ?? [])
  const own = configured && {
    ...fieldsAsStored(stored, configured, locked),
    job: configured.job,
    env: values,
  }
  const fields = givenFields(stored, own, locked)
  const request = { ...parseRequest(fields), ...overrides, env }
  return {
    configured: own,
    request: Object.keys(parameters).length === 0 ? request : { ...request, parameters },
  }
}

/** Fields of a stored request that are said otherwise: by its list of inputs, and by the merge. */
const saidElsewhere: ReadonlySet<string> = new Set(['env', 'inputs', 'parameters'])

/** Of the configured job: what it still says as the stored request does, and what only it says. */
function fieldsAsStored(
  stored: JobRequest,
  configured: ConfiguredJob,
  locked: readonly string[],
): Partial<ConfiguredJob> {
  const before = withValuesInArguments(configured, stored.parameters ?? {})
  const kept = new Set([...Object.keys(catalogueFields), ...locked])
  const fields = Object.keys(configured).filter(
    (name) =>
      kept.has(name) || (!saidElsewhere.has(name) && isSame(memberOf(before, name), memberOf(stored, name))),
  )
  return Object.fromEntries(fields.map((name) => [name, memberOf(configured, name)]))
}

/** What neither the configured job nor a default says, without `locked`. */
function givenFields(
  stored: JobRequest,
  own: Partial<ConfiguredJob> | undefined,
  locked: readonly string[],
): object {
  const base: object = { ...requestDefaults, ...withValuesInArguments(own ?? {}, stored.parameters ?? {}) }
  const fields = Object.entries(stored).filter(
    ([name, value]) =>
      Object.hasOwn(requestFields, name) &&
      !saidElsewhere.has(name) &&
      !locked.includes(name) &&
      !isSame(value, memberOf(base, name)),
  )
  return Object.fromEntries(fields)
}

/** Of the configured job's variables as they were: the names stand in the request, on a cluster alone. */
function configuredEnvironment({ job_env: names }: JobRequest, configured: ConfiguredJob | undefined) {
  const values: Record<string, string> = {}
  const gone: string[] = []
  for (const [name, stored] of Object.entries(names)) {
    const value = stored === '' ? configured?.env?.[name] : stored
    if (value === undefined) gone.push(name)
    else values[name] = value
  }
  return { values, gone }
}

/** The variables of the caller's own that are not sent anew, but for those that parameters set. */
function missingOf(
  stored: JobRequest,
  overrides: PartialRequest,
  { known, reused }: { known: readonly string[]; reused: number },
): string[] {
  const own = Object.keys(stored.env).filter(
    (name) => overrides.env?.[name] === undefined && !known.includes(name),
  )
  const ofSteps = overrides.steps !== undefined ? [] : (stored.steps ?? [])
  return [
    ...own,
    ...ofSteps.flatMap(({ env = {} }, index) =>
      index < reused ? [] : Object.keys(env).map((name) => `steps[${index}].env.${name}`),
    ),
  ]
}

function environmentGone(missing: readonly string[]): Problem {
  const errors = missing.map(
    (name): FieldError => ({
      field: name.startsWith('steps[') ? name : `env.${name}`,
      problem: 'has a value that is not kept',
      expected: name.startsWith('steps[') ? 'the whole `steps`, sent anew' : 'its value, sent anew',
    }),
  )
  const detail = `The values of variables are not kept after a job's deployment: send ${errors.map(({ field }) => field).join(', ')} anew`
  return new Problem('environment-gone', detail, { errors })
}

function memberOf(fields: object, name: string): unknown {
  return (fields as Record<string, unknown>)[name]
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
