import * as z from 'zod'
import { resultLayouts } from '../artifact/result-layout.ts'
import { eventTypes } from './event-type.ts'
import {
  isDnsLabel,
  isDnsSubdomain,
  isEnvironmentName,
  isImageReference,
  isLabelKey,
  isLabelValue,
  isMountPath,
  isPositiveQuantity,
  isRelativePath,
} from './syntax.ts'

/*
 * The message of every schema says what would be right: schema-errors.ts puts it into FieldError.expected.
 */

/** The kernel's MAX_ARG_STRLEN is 131,072: no argument and no `NAME=value` may be longer, its NUL included. */
const maxArgument = 131_071
const maxVariable = 130_000
const days = 86_400

export const reservedEnvironment = ['RESULT_DIRECTORY', 'INPUT_DIRECTORY'] as const

const oneOfEvents = `one of ${eventTypes.join(', ')}`

const subdomain = (what: string) =>
  text(`${what}: at most 253 lower-case letters, digits, "-" and "."`, isDnsSubdomain)
const quantity = (example: string) =>
  z.preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    text(`a Kubernetes quantity above zero, like ${example}`, isPositiveQuantity),
  )
const mountPath = z.preprocess(
  (value) => (typeof value === 'string' && value.length > 1 ? value.replace(/\/$/, '') : value),
  text('an absolute path other than "/", without "..", "//", ":" and "$("', isMountPath),
)
const argument = atMost(maxArgument)
const variable = atMost(maxVariable)
const labelKey = text('a label key: [prefix/]name, the name at most 63 characters', isLabelKey)
const labelValue = text('a label value: at most 63 letters, digits, "-", "_" and "."', isLabelValue)
const ownLabelKey = labelKey.refine((key) => !isReservedLabel(key), {
  error: 'a label that neither Jobferry (jobferry.dev/…) nor Kubernetes sets itself',
})

export const environmentName = text(
  'a name of letters, digits and "_" that does not begin with a digit',
  isEnvironmentName,
).refine((name) => !isReservedEnvironment(name), {
  error: 'another name: Jobferry sets this variable itself (see result_directory)',
})

export const environment = z.record(environmentName, variable, 'an object of strings')

const volume = z.strictObject(
  {
    claim: subdomain('the name of a PersistentVolumeClaim'),
    mount_path: mountPath,
    read_only: z.boolean('true or false').default(false),
  },
  'an object of claim, mount_path and read_only',
)

const toleration = z
  .strictObject(
    {
      key: labelKey.exactOptional(),
      operator: z.enum(['Exists', 'Equal'], '"Exists" or "Equal"').exactOptional(),
      value: labelValue.exactOptional(),
      effect: z
        .enum(
          ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
          '"NoSchedule", "PreferNoSchedule" or "NoExecute"',
        )
        .exactOptional(),
      tolerationSeconds: z.int('a whole number of seconds').exactOptional(),
    },
    'an object of key, operator, value, effect and tolerationSeconds',
  )
  .refine((t) => t.key !== undefined || t.operator === 'Exists', 'a key, or the operator "Exists"')
  .refine((t) => t.operator !== 'Exists' || !t.value, 'no value with the operator "Exists"')
  .refine(
    (t) => t.tolerationSeconds === undefined || t.effect === 'NoExecute',
    'the effect "NoExecute" with tolerationSeconds',
  )

/** Every field of a request that creates a job, each optional. */
export const requestFields = {
  job: text('the name of a configured job', isDnsLabel).exactOptional(),
  image: text('an image reference, like registry.example/path/name:tag', isImageReference).exactOptional(),
  command: list(argument, 'a list of strings, the first one not empty')
    .refine((words) => words[0] !== '', 'a list of strings, the first one not empty')
    .exactOptional(),
  args: list(argument, 'a list of strings').exactOptional(),
  env: environment.exactOptional(),
  config_map_ref: list(
    text('an id that POST /resource/env gave: env-…', (id) => id.startsWith('env-') && isDnsLabel(id)),
    'a list of ids of /resource/env',
  ).exactOptional(),
  cpu: quantity('"500m" or "2"').exactOptional(),
  memory: quantity('"512Mi"').exactOptional(),
  gpu: integer(0, 1024).exactOptional(),
  result_directory: mountPath.exactOptional(),
  result_storage: quantity('"10Gi"').exactOptional(),
  result_storage_class: text(
    'the name of a StorageClass, or "" for the default one',
    (name) => name === '' || isDnsSubdomain(name),
  ).exactOptional(),
  result_layout: z.enum(resultLayouts, '"files", "packed" or "auto"').exactOptional(),
  volumes: list(volume, 'a list of objects of claim, mount_path and read_only').exactOptional(),
  image_pull_secret: subdomain('the name of a Secret').exactOptional(),
  image_pull_policy: z
    .enum(['Always', 'IfNotPresent', 'Never'], '"Always", "IfNotPresent" or "Never"')
    .exactOptional(),
  node_selector: z.record(labelKey, labelValue, 'an object of strings').exactOptional(),
  tolerations: list(toleration, 'a list of tolerations').exactOptional(),
  priority_class: subdomain('the name of a PriorityClass').exactOptional(),
  labels: z.record(ownLabelKey, labelValue, 'an object of strings').exactOptional(),
  service_account: subdomain('the name of a ServiceAccount').exactOptional(),
  run_as_user: integer(0, 2 ** 31 - 1).exactOptional(),
  retries: integer(0, 100).exactOptional(),
  start_timeout_seconds: integer(1, 365 * days).exactOptional(),
  timeout_seconds: integer(1, 365 * days).exactOptional(),
  stop_grace_seconds: integer(1, 3600).exactOptional(),
  upload_timeout_seconds: integer(1, 30 * days).exactOptional(),
  upload_while_running: z.boolean('true or false').exactOptional(),
  keep_seconds: integer(0, 365 * days).exactOptional(),
  result_keep_seconds: integer(1, 100 * 365 * days).exactOptional(),
  callback: text('an http:// or https:// URL of at most 2048 characters', isHttpUrl).exactOptional(),
  callback_events: list(z.enum(eventTypes, oneOfEvents), `a list of ${oneOfEvents}`)
    .refine((events) => events.length > 0, `at least ${oneOfEvents}`)
    .exactOptional(),
}

/** As strict as what is called later. */
function isHttpUrl(value: string): boolean {
  return value.length <= 2048 && /^https?:\/\//i.test(value) && URL.canParse(value)
}

export const demoFile = text('a path relative to the result directory, without ".."', isRelativePath)

function text(expected: string, allowed: (value: string) => boolean) {
  return z.string(expected).refine(allowed, expected)
}

function atMost(bytes: number) {
  return text(`a string of at most ${bytes} bytes`, (value) => Buffer.byteLength(value) <= bytes)
}

function list<Item extends z.core.SomeType>(item: Item, expected: string) {
  return z.array(item, expected)
}

function integer(least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`
  return z.int(expected).min(least, expected).max(most, expected)
}

function isReservedEnvironment(name: string): boolean {
  return reservedEnvironment.some((reserved) => reserved === name)
}

function isReservedLabel(key: string): boolean {
  if (key.startsWith('jobferry.dev/') || key.startsWith('app.kubernetes.io/managed-by')) return true
  // The Job controller's own: the API server refuses a pod template with other values.
  return key.startsWith('batch.kubernetes.io/') || key === 'job-name' || key === 'controller-uid'
}
