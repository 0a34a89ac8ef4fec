import type { FieldError } from '../../util/errors.ts'

/** What a caller gives beside the configured job. */
export interface CallersFields {
  /** Fields of the request and of `config_data`. */
  given: Readonly<Record<string, unknown>>
  /** The request has variables of an `env_file`. */
  envFile: boolean
}

/** The fields whose objects set variables. */
export const environmentFields = ['config_map_ref', 'env_from'] as const

/** The names in `locked`, and the fields that are locked with them. */
export function lockedFields(locked: readonly string[]): string[] {
  return [...locked, ...(locked.includes('env') ? environmentFields : [])]
}

/**
 * What a configured job locks of the fields that a caller gives. A field that steps may have is
 * locked in them, too; `env` locks every way to set a variable.
 */
export function lockedErrors(locked: readonly string[], { given, envFile }: CallersFields): FieldError[] {
  return places(given, envFile)
    .filter(({ field }) => locked.includes(field))
    .map(({ field, at }) => ({
      field: at,
      problem: `is locked by the configured job${at === field ? '' : ` (${field})`}`,
      expected: `no ${at}`,
    }))
}

function places(given: CallersFields['given'], envFile: boolean): { field: string; at: string }[] {
  const { steps, env } = given
  // A form with no variables in it, and the merge of a rerun, have an empty `env`.
  const setsNone = typeof env === 'object' && env !== null && Object.keys(env).length === 0
  const fields = Object.keys(given).filter((field) => field !== 'env' || !setsNone)
  return [
    ...fields.map((field) => ({ field, at: field })),
    ...environmentFields.filter((at) => fields.includes(at)).map((at) => ({ field: 'env', at })),
    ...(envFile ? [{ field: 'env', at: 'env_file' }] : []),
    ...(Array.isArray(steps) ? steps : []).flatMap((step: object, index) =>
      Object.keys(step).map((field) => ({ field, at: `steps[${index}].${field}` })),
    ),
  ]
}
