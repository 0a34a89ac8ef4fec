import type { FieldError } from '../../util/errors.ts'
import { limitOf } from '../pod/resource-conflicts.ts'
import type { ConfiguredJob, PartialRequest } from '../request/request-schema.ts'
import { choiceErrors } from './choices.ts'
import type { JudgedRequest, PolicyContext } from './judged-request.ts'
import { amountOf, type LimitedField, limitedFields, type Policy } from './policy.ts'
import { valuesOf } from './values-of.ts'

/**
 * What an operator's policy refuses of a request. Only the caller's own fields are judged: a
 * configured job is the operator's. If that goes beyond the policy, callers can't give it another
 * program, which would get its rights.
 */
export function judge(request: JudgedRequest, policy: Policy, context: PolicyContext): FieldError[] {
  return [
    ...choiceErrors(request, policy, context),
    ...maximumErrors(request, policy),
    ...programErrors(request, policy, context),
  ]
}

const programFields = ['image', 'command', 'args', 'steps'] as const

/** Whether the caller and not the configured job says what runs. */
export function bringsProgram({ given, configured }: JudgedRequest): boolean {
  return configured === undefined || changedProgramFields(given, configured).length > 0
}

function* maximumErrors({ given, configured }: JudgedRequest, { maximum }: Policy): Generator<FieldError> {
  for (const field of limitedFields) {
    const most = maximum[field]
    if (most === undefined) continue
    const own = new Set(configured && amountsOf(configured, field).map(({ value }) => value))
    for (const { at, value } of amountsOf(given, field)) {
      if (own.has(value) || amountOf(value) <= amountOf(most)) continue
      yield { field: at, problem: "is more than the operator's policy allows", expected: `at most ${most}` }
    }
  }
}

/** A request of `cpu` or `memory` may not be more than the limit either. */
function amountsOf(
  request: Pick<PartialRequest, LimitedField | keyof typeof limitOf | 'steps'>,
  field: LimitedField,
) {
  const requests = Object.entries(limitOf).flatMap(([name, limit]) =>
    limit === field ? valuesOf(request, name as keyof typeof limitOf) : [],
  )
  return [...valuesOf(request, field), ...requests]
}

function* programErrors(
  { given, configured }: JudgedRequest,
  policy: Policy,
  context: PolicyContext,
): Generator<FieldError> {
  if (configured === undefined) return
  const changed = changedProgramFields(given, configured)
  if (changed.length === 0) return
  const { parameters: _, ...fields } = configured
  const beyond = new Set(
    [...choiceErrors({ given: fields }, policy, context)].map(({ field }) => fieldName(field)),
  )
  // An image is no right of a job's, and values of the caller's own replace the configured ones.
  for (const field of ['image', 'steps', ...Object.keys(given)]) beyond.delete(field)
  if (beyond.size === 0) return
  const problem = `can not replace the configured job's: by its ${[...beyond].join(', ')} that job goes beyond the operator's policy`
  for (const field of changed)
    yield { field, problem, expected: `no ${field} with the job ${configured.job}` }
}

function changedProgramFields(given: PartialRequest, configured: ConfiguredJob) {
  return programFields.filter(
    (field) =>
      given[field] !== undefined && JSON.stringify(given[field]) !== JSON.stringify(configured[field]),
  )
}

/** `tolerations` of `tolerations[0].key`. */
function fieldName(path: string): string {
  return path.replace(/[.[].*$/, '')
}
