import { type FieldError, invalid, invalidFields } from '../errors.ts'
import type { JobRequest } from '../job/request.ts'
import { mergeRequest, type ProgramField, type RequestParts } from '../job/request-merge.ts'
import type { HttpOptions } from './options.ts'
import type { Services } from './services.ts'

/**
 * The whole request of what a caller gave. Rejects with a Problem `invalid-request` for an unknown configured
 * job, for fields that are refused here, and as mergeRequest does.
 */
export function resolveRequest(
  given: Omit<RequestParts, 'configured'>,
  { configured: known }: Pick<Services, 'configured'>,
  { refusedFields = {} }: Pick<HttpOptions, 'refusedFields'>,
): JobRequest {
  const errors: FieldError[] = []
  for (const field of Object.keys({ ...given.configData, ...given.request })) {
    const expected = Object.hasOwn(refusedFields, field) ? refusedFields[field] : undefined
    if (expected !== undefined) errors.push({ field, problem: 'is not allowed here', expected })
  }
  if (errors.length > 0) throw invalidFields(errors)

  const name = given.request?.job
  const configured = name === undefined ? undefined : known.get(name)
  if (name !== undefined && !configured) {
    throw invalid('job', 'is unknown', `one of ${known.names().join(', ') || '(none is configured)'}`)
  }
  return mergeRequest({ ...given, configured }, programField(refusedFields))
}

/** What a caller can name a program by, beside a configured job. */
function programField(refused: Readonly<Record<string, string>>): ProgramField {
  return (['image', 'command'] as const).find((field) => !Object.hasOwn(refused, field)) ?? 'job'
}
