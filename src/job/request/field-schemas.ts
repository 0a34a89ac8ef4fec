import * as z from 'zod'
import {
  isDnsLabel,
  isDnsSubdomain,
  isEnvironmentName,
  isHttpUrl,
  isImageReference,
  isLabelKey,
  isLabelValue,
  isMountPath,
  isPositiveQuantity,
  isRelativePath,
} from './syntax.ts'

/*
 * The message of each schema names the allowed values: schema-errors.ts puts it into
 * FieldError.expected, and docs/fields.md shows it.
 */

/**
 * The kernel's MAX_ARG_STRLEN is 131,072 bytes for an argument or a `NAME=value`, its NUL included.
 */
const maxArgument = 131_071
const maxVariable = 130_000

const reservedEnvironment: readonly string[] = ['RESULT_DIRECTORY', 'INPUT_DIRECTORY']

export function text(expected: string, allowed: (value: string) => boolean) {
  return z.string(expected).refine(allowed, expected)
}

export function integer(least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`
  return z.int(expected).min(least, expected).max(most, expected)
}

export function subdomain(kind: string) {
  return text(`${kind}: at most 253 lower-case letters, digits, "-" and "."`, isDnsSubdomain)
}

export function quantity(example: string) {
  return z.preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    text(`a Kubernetes quantity above zero, like ${example}`, isPositiveQuantity),
  )
}

export const displayName = text(
  'a text of 1 to 100 characters without control characters, not blank',
  (name) => name.trim() !== '' && [...name].length <= 100 && !/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(name),
)

export const lineOfWords = text(
  'a text of 1 to 200 characters on one line, not blank',
  (words) => words.trim() !== '' && [...words].length <= 200 && !/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(words),
)

export const someSentences = text('a text of at most 10,000 characters', (words) => words.length <= 10_000)

export const flag = z.boolean('true or false')
export const argument = atMost(maxArgument)

export const image = text('an image reference, like registry.example/path/name:tag', isImageReference)

const wordsWithProgram = 'a list of strings, the first one not empty'

export const command = z
  .array(argument, wordsWithProgram)
  .refine((words) => words[0] !== '', wordsWithProgram)

export const args = z.array(argument, 'a list of strings')

export const gpu = integer(0, 1024)

export const mountPath = z.preprocess(
  (value) => (typeof value === 'string' && value.length > 1 ? value.replace(/\/$/, '') : value),
  text('an absolute path other than "/", without "..", "//", ":" and "$("', isMountPath),
)

export const resultPath = text('a path relative to the result directory, without ".."', isRelativePath)

export const httpUrl = text('an http:// or https:// URL of at most 2048 characters', isHttpUrl)

export const environmentName = text(
  'a name of letters, digits and "_" that does not begin with a digit',
  isEnvironmentName,
).refine((name) => !reservedEnvironment.includes(name), {
  error: 'another name: Jobferry sets this variable itself (see result_directory)',
})

/** Numbers and booleans of `env` have become texts before the check. */
const variable = text(
  `a string of at most ${maxVariable} bytes, "" for none, or a number, true or false`,
  (value) => Buffer.byteLength(value) <= maxVariable,
)

export const environment = z.record(
  environmentName,
  variable,
  'an object of names with strings, numbers, true or false',
)

export const environmentId = text(
  'an id that POST /resource/env gave: env-…',
  (id) => id.startsWith('env-') && isDnsLabel(id),
)

export const labelKey = text(
  'a label key like team or example.org/team: a name of 1 to 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends, behind an optional DNS name and a slash',
  isLabelKey,
)
export const labelValue = text(
  'a label value: at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends',
  isLabelValue,
)
const ownLabelKey = labelKey.refine((key) => !isReservedLabel(key), {
  error: 'a label that neither Jobferry (jobferry.dev/…) nor Kubernetes sets itself',
})

export const nodeLabels = z.record(labelKey, labelValue, 'an object of strings')
export const ownLabels = z.record(ownLabelKey, labelValue, 'an object of strings')

export const volume = z.strictObject(
  {
    claim: subdomain('the name of a PersistentVolumeClaim'),
    mount_path: mountPath,
    read_only: flag.default(false),
  },
  'an object of claim, mount_path and read_only',
)

/** As in Kubernetes. */
export const toleration = z
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

/** For lists of objects whose `member` may not repeat; `earlier` is the other's index. */
export function withoutRepeats<Member extends string>(member: Member, expected: (earlier: number) => string) {
  return (list: readonly Record<Member, string>[], context: z.RefinementCtx): void => {
    const seen = new Map<string, number>()
    for (const [index, { [member]: value }] of list.entries()) {
      const earlier = seen.get(value)
      if (earlier === undefined) seen.set(value, index)
      else context.addIssue({ code: 'custom', path: [index, member], message: expected(earlier) })
    }
  }
}

function atMost(bytes: number) {
  return text(`a string of at most ${bytes} bytes`, (value) => Buffer.byteLength(value) <= bytes)
}

function isReservedLabel(key: string): boolean {
  if (key.startsWith('jobferry.dev/') || key.startsWith('app.kubernetes.io/managed-by')) return true
  // The Job controller sets these: the API server refuses a pod template with other values.
  return key.startsWith('batch.kubernetes.io/') || key === 'job-name' || key === 'controller-uid'
}
