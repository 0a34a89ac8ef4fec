import {
  defaultInputTimeoutSeconds,
  type SourceLine,
  type SourceSettings,
} from '../../job/inputs/input-list.ts'
import { placeOf } from '../../job/inputs/input-place.ts'
import type { InputRequest } from '../../job/inputs/input-schema.ts'
import { parseSource } from '../../job/inputs/source-address.ts'
import type { AllowRules } from '../../util/egress/allow.ts'
import { urlRefusal } from '../../util/egress/judge-url.ts'
import { type FieldError, invalidFields } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import type { FoundSources } from './find-sources.ts'

/** The operator's settings of where inputs may come from. */
export interface SourceRules {
  allow: AllowRules
  allowHttp: boolean
  /** Names of the Secrets that a request may name. */
  secrets: readonly string[]
  unpackMaxBytes: number
  unpackMaxEntries: number
  /** PEM. */
  ca?: string | undefined
  /** Where this Jobferry's own store lies, if in a bucket: no result is delivered there. */
  ownBucket?: { bucket: string; prefix: string } | undefined
}

/**
 * The lines of the list of inputs for what the uploader is to fetch; none without references.
 * An optional upload that isn't there has no line.
 * Throws a Problem `invalid-request` that names each source that will never be called: names are
 * resolved by the uploader alone.
 */
export function sourceLines(
  inputs: readonly InputRequest[],
  rules: SourceRules,
  timeoutSeconds = defaultInputTimeoutSeconds,
  { attempts, uploads }: FoundSources = { attempts: new Map(), uploads: new Map() },
): [SourceSettings, ...SourceLine[]] | [] {
  const lines: SourceLine[] = []
  const errors: FieldError[] = []
  for (const [index, { from, to, unpack, sha256, secret, optional }] of inputs.entries()) {
    if (from === undefined) continue
    const error = refusal(from, rules)
    if (error !== undefined) errors.push({ field: `inputs[${index}].from`, ...error })
    if (secret !== undefined && !rules.secrets.includes(secret)) {
      errors.push({ field: `inputs[${index}].secret`, ...unknownSecret(rules) })
    }
    const path = placeOf(defined({ from, to, unpack }))
    const found = { attempt: attempts.get(from), upload: uploads.get(from) }
    if (parseSource(from)?.kind === 'upload' && found.upload === undefined) continue
    lines.push({ type: 'source', path, from, ...defined({ unpack, sha256, secret, ...found, optional }) })
  }
  if (errors.length > 0) throw invalidFields(errors)
  if (lines.length === 0) return []
  const { allow, allowHttp, unpackMaxBytes, unpackMaxEntries, ca } = rules
  const settings: SourceSettings = {
    type: 'settings',
    timeout_seconds: timeoutSeconds,
    allow: allow.text,
    allow_http: allowHttp,
    unpack_max_bytes: unpackMaxBytes,
    unpack_max_entries: unpackMaxEntries,
    ...defined({ ca }),
  }
  return [settings, ...lines]
}

/** The Secrets that the lines name, each once. */
export function namedSecrets(lines: readonly (SourceSettings | SourceLine)[]): string[] | undefined {
  const names = lines.flatMap((line) => (line.type === 'source' ? (line.secret ?? []) : []))
  return names.length === 0 ? undefined : [...new Set(names)].sort()
}

export function unknownSecret({ secrets }: Pick<SourceRules, 'secrets'>): Omit<FieldError, 'field'> {
  const known = secrets.length === 0 ? '(REQUEST_SECRETS names none)' : secrets.join(', ')
  return { problem: 'is not a Secret that requests may name', expected: `one of ${known}` }
}

function refusal(from: string, { allow, allowHttp }: SourceRules): Omit<FieldError, 'field'> | undefined {
  if (!/^https?:/i.test(from)) return undefined
  if (/^http:/i.test(from) && !allowHttp) {
    return { problem: 'is not encrypted', expected: 'an https:// URL, or INPUT_ALLOW_HTTP=1 in the settings' }
  }
  return urlRefusal(from, allow)
}
