import * as z from 'zod'
import { defaultPacking, largestPacked } from './artifact/result-layout.ts'
import { type CallbackSecrets, parseSecrets, secretsExpected } from './completion/callbacks/secrets.ts'
import { allowExpected, parseAllow } from './completion/outgoing/allow.ts'
import { signalingSettings } from './config-signaling.ts'

const flag = z
  .enum(['0', '1', 'true', 'false'], { error: 'expected 1 or 0' })
  .default('0')
  .transform((text) => text === '1' || text === 'true')

const wholeNumber = (least: number, most: number, otherwise: number) =>
  z.coerce
    .number({ error: `expected a whole number from ${least} to ${most}` })
    .int(`expected a whole number from ${least} to ${most}`)
    .min(least, `expected at least ${least}`)
    .max(most, `expected at most ${most}`)
    .default(otherwise)

const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// address', abort: true })

/** Requests to a store are signed for its host: what else an address has would silently be left out. */
const storeUrl = httpUrl.refine(
  (url) => new URL(url).href === `${new URL(url).origin}/`,
  'expected scheme, host and port alone, without a path',
)

/** The settings' forms and defaults, one by one; what depends on several of them is config.ts's. */
export const settings = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(0, 65535, 8888),
  PUBLIC_URL: httpUrl.optional(),
  KUBECONFIG: z.string().optional(),
  NAMESPACE: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'expected the name of a Kubernetes namespace')
    .optional(),
  S3_ENDPOINT: storeUrl.optional(),
  S3_ENDPOINT_FOR_PODS: storeUrl.optional(),
  S3_PUBLIC_ENDPOINT: storeUrl.optional(),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "expected a bucket's name: 3 to 63 of a-z, 0-9, - and .")
    .default('jobferry'),
  S3_REGION: z.string().default('us-east-1'),
  S3_PREFIX: z
    .string()
    .regex(/^([^/]+\/)*[^/]*$/, 'expected a relative prefix without empty components')
    .refine((prefix) => Buffer.byteLength(prefix) <= 38, 'expected at most 38 bytes: S3 keys end at 1024')
    .default(''),
  S3_ACCESS_KEY: z.string().optional(),
  S3_SECRET_KEY: z.string().optional(),
  S3_UPLOADER_ACCESS_KEY: z.string().optional(),
  S3_UPLOADER_SECRET_KEY: z.string().optional(),
  UPLOADER_IMAGE: z.string().optional(),
  UPLOADER_PORT: wholeNumber(1024, 65535, 47100),
  POD_SECURITY: z
    .enum(['baseline', 'restricted'], { error: 'expected baseline or restricted' })
    .default('baseline'),
  API_TOKENS: z.string().default('').transform(parseTokens),
  ALLOW_UNAUTHENTICATED: flag,
  JOBS_DIRECTORY: z.string().default('manifests/jobs'),
  DATA_DIRECTORY: z.string().default('data'),
  LOCAL_ALLOW_COMMANDS: flag,
  INPUT_MAX_BYTES: wholeNumber(0, Number.MAX_SAFE_INTEGER, 10 * 2 ** 30),
  PACK_FILE_BYTES: wholeNumber(0, largestPacked, defaultPacking.fileBytes),
  PACK_FROM_COUNT: wholeNumber(0, Number.MAX_SAFE_INTEGER, defaultPacking.fromCount),
  WAIT_MAX_SECONDS: wholeNumber(0, 3600, 50),
  DEMO_WAIT_SECONDS: wholeNumber(0, 3600, 50),
  CALLBACK_SECRETS: z.string().default('').transform(callbackSecrets),
  EVENT_HEARTBEAT_SECONDS: wholeNumber(1, 3600, 15),
  OUTGOING_ALLOW: z.string().optional().transform(allowRules),
  OUTGOING_TIMEOUT_SECONDS: wholeNumber(1, 300, 15),
  SHUTDOWN_SECONDS: wholeNumber(0, 3600, 25),
  POD_UID: z.string().optional(),
  LOST_NODE_SECONDS: wholeNumber(1, 86_400, 300),
  JANITOR_INTERVAL_SECONDS: wholeNumber(1, 86_400, 3600),
  JANITOR_DRY_RUN: flag,
  GRANT_SECONDS: wholeNumber(1, 365 * 86_400, 86_400),
  DATASETS_FILE: z.string().optional(),
  ...signalingSettings,
  PROVISION_TOKENS: z.string().default('').transform(parseTokens),
  EDC_CALLBACK_URLS: z.string().default('').transform(parseUrls),
  EDC_API_KEY: z.string().optional(),
  EDC_MANAGEMENT_URL: httpUrl.optional(),
  EDC_MANAGEMENT_API_KEY: z.string().optional(),
  S3_READER_CREDENTIALS: z
    .enum(['access-key', 'session'], { error: 'expected access-key or session' })
    .optional(),
  S3_STS_ENDPOINT: httpUrl.optional(),
  S3_STS_ROLE_ARN: z.string().optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
})
export type Settings = z.infer<typeof settings>

function callbackSecrets(text: string, context: z.RefinementCtx): CallbackSecrets {
  const secrets = parseSecrets(text)
  if (secrets === undefined) context.addIssue({ code: 'custom', message: `expected ${secretsExpected}` })
  return secrets ?? new Map()
}

function allowRules(text: string | undefined, context: z.RefinementCtx) {
  if (text === undefined) return undefined
  const rules = parseAllow(text)
  if (rules === undefined) context.addIssue({ code: 'custom', message: `expected ${allowExpected}` })
  return rules
}

function parseTokens(text: string, context: z.RefinementCtx): { name: string; sha256: string }[] {
  const tokens = []
  for (const line of text.split('\n').map((item) => item.trim())) {
    if (line === '') continue
    const match = /^([A-Za-z0-9._-]+):([0-9a-f]{64})$/.exec(line)
    if (match?.[1] && match[2]) tokens.push({ name: match[1], sha256: match[2] })
    else
      context.addIssue({ code: 'custom', message: 'expected lines of <name>:<SHA-256 of the token in hex>' })
  }
  return tokens
}

function parseUrls(text: string, context: z.RefinementCtx): string[] {
  const urls = text.split(/[\s,]+/).filter((url) => url !== '')
  for (const url of urls) {
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) continue
    context.addIssue({
      code: 'custom',
      message: 'expected http:// or https:// addresses, separated by commas',
    })
  }
  return urls
}
