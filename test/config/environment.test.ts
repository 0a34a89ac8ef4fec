import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { settingNames } from '../../src/config/environment.ts'
import { settingMeta } from '../../src/config/setting.ts'

/** Installations name these: none may change. */
const variables = `
  HOST PORT PROBE_PORT PUBLIC_URL ALLOWED_HOSTS WAIT_MAX_SECONDS DEMO_WAIT_SECONDS SHUTDOWN_SECONDS
  API_TOKENS PROVISION_TOKENS ALLOW_UNAUTHENTICATED
  CONNECTIONS_MAX CONNECTIONS_MAX_PER_ADDRESS TRUSTED_PROXIES BODIES_MAX_BYTES
  DOWNLOADS_MAX DOWNLOADS_MAX_PER_TOKEN DOWNLOADS_MAX_PER_GRANT
  KUBECONFIG CLUSTER_URL CLUSTER_TOKEN CLUSTER_CA CLUSTER_VERIFY UPLOADER_IMAGE UPLOADER_PORT POD_SECURITY POD_UID LOST_NODE_SECONDS
  S3_ENDPOINT S3_ENDPOINT_FOR_PODS S3_PUBLIC_ENDPOINT S3_BUCKET S3_REGION S3_PREFIX S3_CA S3_SIGN_PARTS S3_ACCESS_KEY S3_SECRET_KEY
  S3_UPLOADER_ACCESS_KEY S3_UPLOADER_SECRET_KEY S3_UPLOADER_CREDENTIALS S3_READER_CREDENTIALS S3_STS_ENDPOINT S3_STS_ROLE_ARN
  JOBS_DIRECTORY NAMESPACE INPUT_MAX_BYTES UPLOADS_MAX INPUT_ALLOW_HTTP REQUEST_SECRETS INPUT_UNPACK_MAX_BYTES INPUT_UNPACK_MAX_ENTRIES INPUT_CA DATA_DIRECTORY LOCAL_ALLOW_COMMANDS LOCAL_SECRETS_DIRECTORY LOCAL_MAX_RUNNING POLICY_FILE PACK_FILE_BYTES PACK_FROM_COUNT
  RESULT_MAX_BYTES RESULT_MAX_ENTRIES
  CALLBACK_SECRETS EVENT_HEARTBEAT_SECONDS
  AMQP_URL AMQP_USERNAME AMQP_PASSWORD AMQP_CA AMQP_QUEUE AMQP_EXCHANGE AMQP_DEAD_LETTER_EXCHANGE AMQP_PREFETCH AMQP_CALLER
  AMQP_PROGRESS_SECONDS AMQP_LOG_LINES
  OUTGOING_ALLOW OUTGOING_TIMEOUT_SECONDS
  JANITOR_INTERVAL_SECONDS JANITOR_DRY_RUN GRANT_SECONDS DATASETS_FILE
  EDC_CALLBACK_URLS EDC_API_KEY EDC_MANAGEMENT_URL EDC_MANAGEMENT_API_KEY
  SIGNALING_DATAPLANE_ID SIGNALING_PARTICIPANT_ID SIGNALING_PROFILES SIGNALING_TOKEN_SECONDS
  SIGNALING_FINAL_TOKEN_SECONDS SIGNALING_CONTROL_PLANE_URL SIGNALING_CONTROL_PLANE_AUTHORIZATION
  SIGNALING_REGISTER_URL SIGNALING_REGISTER_HEADERS SIGNALING_ENDPOINT SIGNALING_LABELS SIGNALING_AUTHORIZATION
  LOG_LEVEL`

test('the environment variables are those that installations name', () => {
  expect(settingNames().map(({ variable }) => variable)).toEqual(variables.trim().split(/\s+/))
})

test('every setting has a description of its own', () => {
  const descriptions = settingNames().map(({ schema }) => settingMeta.get(schema)?.description)
  expect(descriptions).not.toContain(undefined)
  expect(new Set(descriptions).size).toBe(descriptions.length)
})

test('the manifests set settings alone', async () => {
  const [deployment] = await yamlOf('deployment.yaml')
  const [kustomization] = await yamlOf('kustomization.yaml')
  const env: { name: string }[] = deployment.spec.template.spec.containers[0].env
  const literals: string[] = kustomization.configMapGenerator[0].literals
  const set = [...env.map(({ name }) => name), ...literals.map((literal) => literal.split('=')[0])]
  expect(set).toContain('S3_BUCKET')
  expect(variables.split(/\s+/)).toEqual(expect.arrayContaining(set))
})

async function yamlOf(file: string) {
  const text = await readFile(new URL(`../../manifests/base/${file}`, import.meta.url), 'utf8')
  return parseAllDocuments(text).map((document) => document.toJS())
}
