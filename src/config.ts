import { readFileSync } from 'node:fs'
import { BlockList } from 'node:net'
import { join, resolve } from 'node:path'
import type { Packing } from './artifact/result-layout.ts'
import type { CallbackSecrets } from './completion/callbacks/secrets.ts'
import type { OutgoingSettings } from './completion/outgoing/send.ts'
import type { SignalingSettings } from './completion/signaling/settings.ts'
import { type DataSpacesConfig, dataSpacesOf, onDataSpaces } from './config-data-spaces.ts'
import { type Settings, settings } from './config-schema.ts'
import { onSignaling, signalingOf } from './config-signaling.ts'
import { messageOf } from './errors.ts'

/** Everything that the environment settles, checked (contract: "Cluster objects and settings"). */
export interface Config extends DataSpacesConfig {
  host: string
  port: number
  publicUrl?: string
  /** Names with the lower-case hex SHA-256 of their bearer token. */
  tokens: { name: string; sha256: string }[]
  allowUnauthenticated: boolean
  jobsDirectory: string
  dataDirectory: string
  inputMaxBytes: number
  waitMaxSeconds: number
  demoWaitSeconds: number
  callbackSecrets: CallbackSecrets
  eventHeartbeatSeconds: number
  /** Which addresses of callers may be called, and how long that may take. */
  outgoing: OutgoingSettings
  /** How long downloads may go on after SIGTERM. */
  shutdownSeconds: number
  janitor: { intervalSeconds: number; dryRun: boolean }
  /** Of results that are packed. */
  packing: Packing
  signaling: SignalingSettings
  logLevel: string
  /** What Idempotency-Keys are unique in, and where Jobs are made. */
  namespace: string
  backend: KubernetesConfig | LocalConfig
  store: S3Config | FolderConfig
  /** Why this backend and this store, in words for the first lines of the log. */
  because: { backend: string; store: string }
}

export interface KubernetesConfig {
  kind: 'kubernetes'
  /** Absent: the one of the pod that this runs in. */
  kubeconfig?: string
  uploaderImage: string
  uploaderPort: number
  podSecurity: 'baseline' | 'restricted'
  lostNodeSeconds: number
  /** Of the pod that this runs in: it outlives its container. */
  podUid?: string
  /** The store as pods reach it. */
  endpointForPods: string
  uploaderCredentials: { accessKey: string; secretKey: string }
  /** Pods get the API's own key, since none limited to `jobs/*` was given. */
  sharesCredentials: boolean
}

export interface LocalConfig {
  kind: 'local'
  allowCommands: boolean
}

export interface S3Config {
  kind: 's3'
  endpoint: string
  /** The store as clients reach it; without it nobody is sent there. */
  publicEndpoint?: string
  bucket: string
  region: string
  prefix: string
  accessKey: string
  secretKey: string
}

export interface FolderConfig {
  kind: 'folder'
  directory: string
}

/** Says of every setting that is wrong what is wrong with it and what would be right. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`settings: ${problems.join('; ')}`)
    this.name = 'ConfigError'
  }
}

/**
 * Reads the settings from an environment, `<NAME>_FILE` for secrets. Relative folders are relative to the
 * current one. Throws ConfigError.
 */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  const parsed = settings.safeParse(withFiles(environment))
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  }
  const env = parsed.data
  const inPod = environment.KUBERNETES_SERVICE_HOST !== undefined
  const onCluster = env.KUBECONFIG !== undefined || inPod
  const problems = [...onAccess(env, onCluster), ...(onCluster ? onKubernetes(env) : []), ...onStore(env)]
  problems.push(...onDataSpaces(env), ...onSignaling(env, env.PUBLIC_URL))
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    host: env.HOST,
    port: env.PORT,
    ...(env.PUBLIC_URL && { publicUrl: env.PUBLIC_URL.replace(/\/+$/, '') }),
    tokens: env.API_TOKENS,
    allowUnauthenticated: env.ALLOW_UNAUTHENTICATED,
    jobsDirectory: resolve(env.JOBS_DIRECTORY),
    dataDirectory: resolve(env.DATA_DIRECTORY),
    inputMaxBytes: env.INPUT_MAX_BYTES,
    waitMaxSeconds: env.WAIT_MAX_SECONDS,
    demoWaitSeconds: env.DEMO_WAIT_SECONDS,
    callbackSecrets: env.CALLBACK_SECRETS,
    eventHeartbeatSeconds: env.EVENT_HEARTBEAT_SECONDS,
    outgoing: outgoingOf(env, onCluster),
    shutdownSeconds: env.SHUTDOWN_SECONDS,
    janitor: { intervalSeconds: env.JANITOR_INTERVAL_SECONDS, dryRun: env.JANITOR_DRY_RUN },
    ...dataSpacesOf(env),
    packing: { fileBytes: env.PACK_FILE_BYTES, fromCount: env.PACK_FROM_COUNT },
    signaling: signalingOf(env, env.PUBLIC_URL),
    logLevel: env.LOG_LEVEL,
    namespace: onCluster ? (env.NAMESPACE ?? podNamespace() ?? 'default') : (env.NAMESPACE ?? 'local'),
    backend: onCluster ? kubernetes(env) : { kind: 'local', allowCommands: env.LOCAL_ALLOW_COMMANDS },
    store: storeOf(env, inPod),
    because: {
      backend: inPod
        ? 'it runs in a pod'
        : onCluster
          ? 'KUBECONFIG is set'
          : 'KUBECONFIG is not set and it runs in no pod',
      store: env.S3_ENDPOINT ? 'S3_ENDPOINT is set' : 'S3_ENDPOINT is not set',
    },
  }
}

/** An empty value counts as absent, as in Kubernetes manifests and compose files. */
function withFiles(environment: NodeJS.ProcessEnv): Record<string, string> {
  const values: Record<string, string> = {}
  const problems: string[] = []
  for (const name of Object.keys(settings.shape)) {
    const value = environment[name]
    const file = environment[`${name}_FILE`]
    if (value) values[name] = value
    else if (file) {
      try {
        values[name] = readFileSync(file, 'utf8').trimEnd()
      } catch (error) {
        problems.push(`${name}_FILE: ${messageOf(error)}; expected a readable file`)
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return values
}

function onAccess(env: Settings, onCluster: boolean): string[] {
  const problems = []
  if (!isLoopback(env.HOST)) {
    if (!onCluster)
      problems.push(
        `HOST: ${env.HOST} is no loopback address, and the embedded backend listens on loopback only; expected 127.0.0.1, ::1 or localhost`,
      )
    else if (env.API_TOKENS.length === 0 && !env.ALLOW_UNAUTHENTICATED) {
      problems.push(
        `HOST: ${env.HOST} is no loopback address, so callers need tokens; expected API_TOKENS, or ALLOW_UNAUTHENTICATED=1 where everyone who reaches it may run jobs`,
      )
    }
  }
  return problems
}

/** In a pod, loopback is this program itself and what else runs beside it: no caller's business. */
function outgoingOf(env: Settings, onCluster: boolean): OutgoingSettings {
  const classes: OutgoingSettings['allow']['classes'] = onCluster
    ? ['public', 'private']
    : ['public', 'private', 'loopback']
  return {
    allow: env.OUTGOING_ALLOW ?? { classes, hosts: [], networks: new BlockList() },
    timeoutMilliseconds: env.OUTGOING_TIMEOUT_SECONDS * 1000,
  }
}

/** Whether an address to listen on can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function onKubernetes(env: Settings): string[] {
  const problems = []
  if (!env.S3_ENDPOINT)
    problems.push('S3_ENDPOINT: missing; on Kubernetes results need a store that pods reach')
  if (!env.UPLOADER_IMAGE)
    problems.push("UPLOADER_IMAGE: missing; expected the project's own image, for the uploader")
  if (Boolean(env.S3_UPLOADER_ACCESS_KEY) !== Boolean(env.S3_UPLOADER_SECRET_KEY)) {
    problems.push('S3_UPLOADER_ACCESS_KEY: expected together with S3_UPLOADER_SECRET_KEY')
  }
  return problems
}

function onStore(env: Settings): string[] {
  if (!env.S3_ENDPOINT) return []
  return (['S3_ACCESS_KEY', 'S3_SECRET_KEY'] as const)
    .filter((name) => !env[name])
    .map((name) => `${name}: missing; expected with S3_ENDPOINT`)
}

function kubernetes(env: Settings): KubernetesConfig {
  return {
    kind: 'kubernetes',
    ...(env.KUBECONFIG && { kubeconfig: env.KUBECONFIG }),
    uploaderImage: env.UPLOADER_IMAGE ?? '',
    uploaderPort: env.UPLOADER_PORT,
    podSecurity: env.POD_SECURITY,
    lostNodeSeconds: env.LOST_NODE_SECONDS,
    ...(env.POD_UID && { podUid: env.POD_UID }),
    endpointForPods: env.S3_ENDPOINT_FOR_PODS ?? env.S3_ENDPOINT ?? '',
    uploaderCredentials: {
      accessKey: env.S3_UPLOADER_ACCESS_KEY ?? env.S3_ACCESS_KEY ?? '',
      secretKey: env.S3_UPLOADER_SECRET_KEY ?? env.S3_SECRET_KEY ?? '',
    },
    sharesCredentials: env.S3_UPLOADER_ACCESS_KEY === undefined,
  }
}

/** In a pod S3_ENDPOINT is, as a rule, a name that the cluster alone knows: clients are sent to a named one only. */
function storeOf(env: Settings, inPod: boolean): S3Config | FolderConfig {
  const publicEndpoint = env.S3_PUBLIC_ENDPOINT ?? (inPod ? undefined : env.S3_ENDPOINT)
  if (!env.S3_ENDPOINT) return { kind: 'folder', directory: join(resolve(env.DATA_DIRECTORY), 'store') }
  return {
    kind: 's3',
    endpoint: env.S3_ENDPOINT,
    ...(publicEndpoint !== undefined && { publicEndpoint }),
    bucket: env.S3_BUCKET,
    region: env.S3_REGION,
    prefix: env.S3_PREFIX,
    accessKey: env.S3_ACCESS_KEY ?? '',
    secretKey: env.S3_SECRET_KEY ?? '',
  }
}

function podNamespace(): string | undefined {
  try {
    return readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').trim()
  } catch {
    return undefined
  }
}
