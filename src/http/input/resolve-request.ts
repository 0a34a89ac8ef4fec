import type { ProgramField, RequestParts } from '../../job/request/request-merge.ts'
import type { ConfiguredJob, PartialRequest } from '../../job/request/request-schema.ts'
import type { AdmittedRequest } from '../../lifecycle/deploy/admission.ts'
import { expectedName } from '../../util/checks/nearest.ts'
import { type FieldError, invalid, invalidFields } from '../../util/errors.ts'
import type { HttpOptions } from '../options.ts'
import type { Services } from '../services.ts'
import { refuseOthersFields, refuseOwnVariables } from './left-to-callers.ts'

export interface ResolvedRequest extends AdmittedRequest {
  /** Fields of the caller's that have no effect here. */
  ignored: string[]
}

/**
 * The complete request, made of the parts from the caller and the configured job. Rejects with a
 * Problem `invalid-request` for an unknown configured job, for refused fields, for an image where
 * none can be run and no command is there instead, and as Admission.admit() does.
 */
export async function resolveRequest(
  given: Omit<RequestParts, 'configured'>,
  { configured: known, admission }: Pick<Services, 'configured' | 'admission'>,
  { refusedFields = {}, ignoredFields, namedVariablesOnly }: FieldOptions,
): Promise<ResolvedRequest> {
  const errors: FieldError[] = []
  const fields = Object.keys({ ...given.configData, ...given.request })
  for (const field of fields) {
    const expected = Object.hasOwn(refusedFields, field) ? refusedFields[field] : undefined
    if (expected !== undefined) errors.push({ field, problem: 'is not allowed here', expected })
  }
  if (errors.length > 0) throw invalidFields(errors)

  const name = given.request?.job
  const configured = name === undefined ? undefined : known.get(name)
  if (name !== undefined && !configured) {
    throw invalid('job', 'is unknown', expectedName(name, known.names()))
  }
  refuseOthersFields(given, configured)
  if (namedVariablesOnly) refuseOwnVariables(given, configured)
  const program = programField(refusedFields, ignoredFields)
  if (fields.includes('image') && program !== 'image') refuseImageAlone(given, configured, program)
  const admitted = await admission.admit({ ...given, configured }, program)
  const ignored = (ignoredFields ?? []).filter((field) => fields.includes(field))
  return { ...admitted, ignored: [...ignored, ...ignoredOfSteps(given.request?.steps, ignoredFields)] }
}

/** A step's own fields that have no effect where the ones beside `steps` have none. */
function ignoredOfSteps(steps: PartialRequest['steps'] = [], ignored: readonly string[] = []): string[] {
  if (ignored.length === 0) return []
  const withoutEffect = new Set([...ignored, 'working_directory'])
  return steps.flatMap((step, index) =>
    Object.keys(step)
      .filter((field) => withoutEffect.has(field))
      .map((field) => `steps[${index}].${field}`),
  )
}

type FieldOptions = Pick<HttpOptions, 'refusedFields' | 'ignoredFields' | 'namedVariablesOnly'>

/** Child processes take no program from an image. */
function refuseImageAlone(
  { request, configData }: Omit<RequestParts, 'configured'>,
  configured: ConfiguredJob | undefined,
  program: ProgramField,
): void {
  const { command, steps } = { ...configured, ...configData, ...request }
  // The steps' own programs are checked with the rest of the request.
  if (command?.length || steps) return
  const jobs = 'a configured job (field job) that has a command, or a Jobferry with a cluster (KUBECONFIG)'
  const expected = program === 'command' ? `the program as "command" beside it, ${jobs}` : jobs
  throw invalid('image', 'can not be run here, where jobs are child processes', expected)
}

/** The field by which a caller can name a program, other than a configured job. */
function programField(
  refused: Readonly<Record<string, string>>,
  ignored: readonly string[] = [],
): ProgramField {
  const isTaken = (field: string) => !Object.hasOwn(refused, field) && !ignored.includes(field)
  return (['image', 'command'] as const).find(isTaken) ?? 'job'
}
