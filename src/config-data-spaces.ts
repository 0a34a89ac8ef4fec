import { resolve } from 'node:path'
import type { ReadersSettings } from './artifact/s3-readers.ts'
import type { EdcSettings } from './completion/provision/edc-settings.ts'
import type { Settings } from './config-schema.ts'

/** What the environment settles of giving results to others. */
export interface DataSpacesConfig {
  /** How long a token for a job's results is good. */
  grantSeconds: number
  /** The mapping of data spaces' asset ids. */
  datasetsFile?: string
  /** Names with the hex SHA-256 of tokens that may call POST /provision and nothing else. */
  provisionTokens: { name: string; sha256: string }[]
  /** How connectors are called. */
  edc: EdcSettings
  /** How credentials for single objects of the store are made. */
  readers: Pick<ReadersSettings, 'credentials' | 'stsEndpoint' | 'roleArn'>
}

export function dataSpacesOf(env: Settings): DataSpacesConfig {
  const isAws = /^https?:[/][/][^/]*\.amazonaws\.com(?:\.cn)?(?::|[/]|$)/.test(env.S3_ENDPOINT ?? '')
  return {
    grantSeconds: env.GRANT_SECONDS,
    ...(env.DATASETS_FILE && { datasetsFile: resolve(env.DATASETS_FILE) }),
    provisionTokens: env.PROVISION_TOKENS,
    edc: edcOf(env),
    readers: {
      credentials: env.S3_READER_CREDENTIALS ?? (isAws ? 'session' : 'access-key'),
      ...(env.S3_STS_ENDPOINT && { stsEndpoint: env.S3_STS_ENDPOINT }),
      ...(env.S3_STS_ROLE_ARN && { roleArn: env.S3_STS_ROLE_ARN }),
    },
  }
}

/** What is wrong with these settings. */
export function onDataSpaces(env: Settings): string[] {
  if (!env.EDC_API_KEY || env.EDC_CALLBACK_URLS.length > 0 || env.EDC_MANAGEMENT_URL) return []
  return ['EDC_CALLBACK_URLS: missing; expected where the key of EDC_API_KEY may be sent']
}

function edcOf(env: Settings): EdcSettings {
  const managementKey = env.EDC_MANAGEMENT_API_KEY ?? env.EDC_API_KEY
  return {
    callbackUrls: env.EDC_CALLBACK_URLS,
    ...(env.EDC_API_KEY && { apiKey: env.EDC_API_KEY }),
    ...(env.EDC_MANAGEMENT_URL && { managementUrl: env.EDC_MANAGEMENT_URL.replace(/[/]+$/, '') }),
    ...(managementKey && { managementApiKey: managementKey }),
  }
}
