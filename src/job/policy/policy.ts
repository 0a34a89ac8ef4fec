import * as z from 'zod'
import { expectedName } from '../../util/checks/nearest.ts'
import { check } from '../../util/checks/schema-errors.ts'
import { type FieldError, invalidFields, Problem } from '../../util/errors.ts'
import { requestFields } from '../request/fields.ts'
import { quantityValue } from '../request/quantity.ts'

/** Request fields that a policy can limit and give a default. */
export const limitedFields = [
  'cpu',
  'memory',
  'gpu',
  'ephemeral_storage',
  'shared_memory',
  'result_storage',
  'retries',
  'start_timeout_seconds',
  'timeout_seconds',
  'hold_after_failure_seconds',
  'stop_grace_seconds',
  'upload_timeout_seconds',
  'keep_seconds',
  'result_keep_seconds',
] as const
export type LimitedField = (typeof limitedFields)[number]

/**
 * Those that a policy can give a default. A program is held by a shell, which needs its command: a
 * request that counts on its image's own has to know.
 */
export const defaultedFields = limitedFields.filter((field) => field !== 'hold_after_failure_seconds')

const limits = limitsSchema()
const names = { of: 'names', pattern: /^[-a-z0-9.*]+$/ }

const policySchema = z.strictObject({
  images: choice({ of: 'images like "registry.example/team/*"', pattern: /^[-\w.:/@*[\]]+$/ }),
  image_pull_secrets: choice(names),
  service_accounts: choice(names),
  priority_classes: choice(names),
  tolerations: choice({
    of: 'taints, key[=value][:effect]',
    pattern: /^[-\w./*]+(=[-\w.*]*)?(:[A-Za-z]+)?$/,
  }),
  claims: choice(names, 'all-but-jobs'),
  node_selectors: choice({ of: 'labels, key[=value]', pattern: /^[-\w./*]+(=[-\w.*]*)?$/ }),
  labels: choice({ of: 'keys of labels like "team.example/*"', pattern: /^[-\w./*]+$/ }, 'unselected'),
  annotations: choice({ of: 'keys of annotations like "team.example/*"', pattern: /^[-\w./*]+$/ }),
  runtime_classes: choice(names),
  extended_resources: choice({ of: 'names like "example.com/*"', pattern: /^[-\w./*]+$/ }),
  affinity: z.enum(['all', 'own-namespace', 'none'], 'all, own-namespace or none').default('all'),
  env_secrets: listed('Secrets'),
  env_config_maps: listed('ConfigMaps'),
  root: z.enum(['all', 'none', 'pod-security'], 'all, none or pod-security').default('all'),
  maximum: limits.prefault({}),
  default: limits.omit({ hold_after_failure_seconds: true }).prefault({}),
  live_jobs_per_token: z.int('a whole number from 1').min(1, 'a whole number from 1').exactOptional(),
})

/**
 * What callers may ask for. `all`: everything. A list: what matches one of its patterns, nothing if
 * it is empty; `none` in a file is the empty list. `all-but-jobs`: every claim that belongs to no
 * job. `unselected`: every label that no Service of the namespace selects. `own-namespace`: an
 * affinity that names no other one. An absent key is `all`, or no limit, but for `env_secrets` and
 * `env_config_maps`, which are `none`.
 */
export type Policy = z.output<typeof policySchema>
export type Choice = 'all' | readonly string[]

export const policyKeys = Object.keys(policySchema.shape)

/**
 * Checks a policy file's parsed value. Throws a Problem that names each wrong key with the right
 * values.
 */
export function parsePolicy(value: unknown): Policy {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem('invalid-request', `is empty or no mapping; expected keys of ${policyKeys.join(', ')}`)
  }
  const unknown = [...unknownKeys(value, policyKeys, '')]
  for (const [part, known] of Object.entries({ maximum: limitedFields, default: defaultedFields })) {
    const fields: unknown = (value as Record<string, unknown>)[part]
    if (typeof fields === 'object' && fields !== null) unknown.push(...unknownKeys(fields, known, `${part}.`))
  }
  if (unknown.length > 0) throw invalidFields(unknown)
  const policy = check(policySchema, value)
  const beyond = defaultedFields.flatMap((field) => defaultBeyond(policy, field))
  if (beyond.length > 0) throw invalidFields(beyond)
  return policy
}

/** A quantity or a number of a limited field as a number. */
export function amountOf(value: string | number): number {
  return typeof value === 'string' ? quantityValue(value) : value
}

/** What nobody may have unless the operator lists it. */
function listed(of: string) {
  const expected = `none or a list of names of ${of}`
  const item = z.string(expected).regex(names.pattern, `a name in which * stands for any text`)
  return z
    .union([z.literal('none'), z.array(item)], expected)
    .transform((given): string[] => (given === 'none' ? [] : given))
    .prefault('none')
}

function choice<Word extends string = never>(
  { of, pattern }: { of: string; pattern: RegExp },
  ...words: Word[]
) {
  const expected = `${['all', 'none', ...words].join(', ')} or a list of ${of}`
  const item = z.string(expected).regex(pattern, `one of ${of} in which * stands for any text`)
  return z
    .union([z.literal(['all', 'none', ...words]), z.array(item)], expected)
    .transform((given): 'all' | Word | string[] => (given === 'none' ? [] : given) as 'all' | Word | string[])
    .prefault('all')
}

function limitsSchema() {
  const schemaOf = <Field extends LimitedField>(field: Field) => requestFields[field].schema.exactOptional()
  return z.strictObject(
    {
      cpu: schemaOf('cpu'),
      memory: schemaOf('memory'),
      gpu: schemaOf('gpu'),
      ephemeral_storage: schemaOf('ephemeral_storage'),
      shared_memory: schemaOf('shared_memory'),
      result_storage: schemaOf('result_storage'),
      retries: schemaOf('retries'),
      start_timeout_seconds: schemaOf('start_timeout_seconds'),
      timeout_seconds: schemaOf('timeout_seconds'),
      hold_after_failure_seconds: schemaOf('hold_after_failure_seconds'),
      stop_grace_seconds: schemaOf('stop_grace_seconds'),
      upload_timeout_seconds: schemaOf('upload_timeout_seconds'),
      keep_seconds: schemaOf('keep_seconds'),
      result_keep_seconds: schemaOf('result_keep_seconds'),
    } satisfies Record<LimitedField, z.ZodType>,
    `an object of ${limitedFields.join(', ')}`,
  )
}

function* unknownKeys(value: object, known: readonly string[], root: string): Generator<FieldError> {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    yield { field: `${root}${key}`, problem: 'is unknown', expected: expectedName(key, known) }
  }
}

function defaultBeyond(
  { maximum, default: defaults }: Policy,
  field: (typeof defaultedFields)[number],
): FieldError[] {
  const [most, given] = [maximum[field], defaults[field]]
  if (most === undefined || given === undefined || amountOf(given) <= amountOf(most)) return []
  return [{ field: `default.${field}`, problem: 'is more than the maximum', expected: `at most ${most}` }]
}
