import { requestFields } from '../../../job/request/fields.ts'
import type { JobRequest } from '../../../job/request/request.ts'
import { requestDefaults } from '../../../job/request/request-merge.ts'
import { parseJsonObject } from '../../../util/objects.ts'

/**
 * A request from an annotation, which every client may edit: a field that is missing or invalid
 * gets its default, so that the job goes on.
 */
export function storedRequest(text: string | undefined): JobRequest {
  const found = parseJsonObject(text) ?? {}
  const sound = Object.entries(found).filter(([name, value]) => hasTypeOf(name as keyof JobRequest, value))
  return { ...defaults, ...Object.fromEntries(sound) }
}

/** Version 0.1 stored no layout for `files`, which was its default. */
const defaults: JobRequest = { ...requestDefaults, result_layout: 'files', job_env: {} }

/**
 * Only fields that are used after a job's creation: timers and dates have limits, answers show name,
 * labels and steps, further Jobs and rescues have annotations and nodes, and a rescue's uploader does
 * not start with an unknown layout.
 */
const checked = {
  name: requestFields.name.schema,
  labels: requestFields.labels.schema,
  parameters: requestFields.parameters.schema,
  annotations: requestFields.annotations.schema,
  affinity: requestFields.affinity.schema,
  runtime_class: requestFields.runtime_class.schema,
  steps: requestFields.steps.schema,
  depends_on: requestFields.depends_on.schema,
  retries: requestFields.retries.schema,
  start_timeout_seconds: requestFields.start_timeout_seconds.schema,
  timeout_seconds: requestFields.timeout_seconds.schema,
  heartbeat_seconds: requestFields.heartbeat_seconds.schema,
  hold_after_failure_seconds: requestFields.hold_after_failure_seconds.schema,
  stop_grace_seconds: requestFields.stop_grace_seconds.schema,
  upload_timeout_seconds: requestFields.upload_timeout_seconds.schema,
  keep_seconds: requestFields.keep_seconds.schema,
  result_keep_seconds: requestFields.result_keep_seconds.schema,
  result_layout: requestFields.result_layout.schema,
  outputs: requestFields.outputs.schema,
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
