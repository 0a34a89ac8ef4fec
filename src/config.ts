import { readFileSync } from 'node:fs'
import { BlockList } from 'node:net'
import { resolve } from 'node:path'
import type { Packing } from './artifact/result-layout.ts'
import type { CallbackSecrets } from './completion/callbacks/secrets.ts'
import type { OutgoingSettings } from './completion/outgoing/send.ts'
import type { SignalingSettings } from './completion/signaling/settings.ts'
import {
  type FolderConfig,
  type KubernetesConfig,
  kubernetesOf,
  type LocalConfig,
  onKubernetes,
  onStore,
  type S3Config,
  storeOf,
} from './config-backends.ts'
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
    backend: onCluster ? kubernetesOf(env) : { kind: 'local', allowCommands: env.LOCAL_ALLOW_COMMANDS },
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

function podNamespace(): string | undefined {
  try {
    return readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').trim()
  } catch {
    return undefined
  }
}
