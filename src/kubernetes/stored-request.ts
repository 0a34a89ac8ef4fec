import type { JobRequest } from '../job/request.ts'
import { requestFields } from '../job/request-fields.ts'
import { requestDefaults } from '../job/request-merge.ts'

/**
 * A request as it stands in an annotation, which anybody may edit: what is missing, or not what the API takes, counts
 * as not given, so that its job goes on with the defaults.
 */
export function storedRequest(text: string | undefined): JobRequest {
  const found = parseObject(text)
  const sound = Object.entries(found).filter(([name, value]) => hasTypeOf(name as keyof JobRequest, value))
  return { ...defaults, ...Object.fromEntries(sound) }
}

/** A JSON object, empty where the text is none. */
export function parseObject(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}

const defaults: JobRequest = { ...requestDefaults, job_env: {}, env: {} }

/**
 * Only of what is worked with after a job's creation: a time beyond these can't be waited for or written down, a rescue's
 * uploader would not start with an unknown layout.
 */
const checked = {
  retries: requestFields.retries,
  start_timeout_seconds: requestFields.start_timeout_seconds,
  timeout_seconds: requestFields.timeout_seconds,
  stop_grace_seconds: requestFields.stop_grace_seconds,
  upload_timeout_seconds: requestFields.upload_timeout_seconds,
  keep_seconds: requestFields.keep_seconds,
  result_keep_seconds: requestFields.result_keep_seconds,
  result_layout: requestFields.result_layout,
}

function hasTypeOf(name: keyof JobRequest, value: unknown): boolean {
  const standard = defaults[name]
  if (isChecked(name)) return checked[name].safeParse(value).success
  if (standard === undefined) return value !== null
  return (
    typeof value === typeof standard && value !== null && Array.isArray(value) === Array.isArray(standard)
  )
}

function isChecked(name: keyof JobRequest): name is keyof typeof checked {
  return Object.hasOwn(checked, name)
}
