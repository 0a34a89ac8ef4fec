import type { PartialRequest } from '../request/request-schema.ts'
import { inheritedFields } from '../steps/step-schema.ts'

type StepField = (typeof inheritedFields)[number]

/** The values that a request gives a field, with those of its steps, and where each stands. */
export function valuesOf<Field extends keyof PartialRequest>(
  request: Pick<PartialRequest, Field | 'steps'>,
  field: Field,
): { at: string; value: NonNullable<PartialRequest[Field]> }[] {
  const own = request[field]
  const ofSteps = isOfSteps(field)
    ? (request.steps ?? []).map((step, index) => ({
        at: `steps[${index}].${field}`,
        value: step[field] as PartialRequest[Field],
      }))
    : []
  return [{ at: field as string, value: own }, ...ofSteps].flatMap(({ at, value }) =>
    value === undefined || value === null ? [] : [{ at, value }],
  )
}

function isOfSteps(field: string): field is StepField {
  return inheritedFields.some((one) => one === field)
}
