import { readFileSync } from 'node:fs'
import type { Policy } from '../job/policy/policy.ts'
import { type StoreSettings, storeForPods } from '../store/store-kinds.ts'
import type { AllowRules } from '../util/egress/allow.ts'
import { messageOf, StartError } from '../util/errors.ts'
import { readEnvironment, settingNames } from './environment.ts'
import { validateHttp } from './groups/callers/http-group.ts'
import type { JobsSettings } from './groups/jobs-group.ts'
import { type KubernetesConfig, validateKubernetes } from './groups/kubernetes-group.ts'
import { folderStore } from './groups/local-group.ts'
import { edcConnectors, validateEdc } from './groups/outgoing/data-spaces-group.ts'
import { withAllowRules } from './groups/outgoing/outgoing-group.ts'
import { signalingDataPlane, validateSignaling } from './groups/outgoing/signaling-group.ts'
import { s3Store, validateS3 } from './groups/s3-group.ts'
import { readPolicyFile } from './policy-file.ts'
import { type Settings, settingsSchema } from './schema.ts'
import { findUnknownSettings } from './unknown-settings.ts'

/** The settings, checked, with the defaults that depend on several of them. */
export interface Config extends Omit<Settings, 'kubernetes' | 's3' | 'policy'> {
  /** `local`: jobs run as child processes. */
  backend: 'kubernetes' | 'local'
  kubernetes: KubernetesConfig
  jobs: JobsSettings & { namespace: string }
  outgoing: Settings['outgoing'] & { allow: AllowRules }
  store: StoreSettings
  /** Undefined: callers may ask for everything. */
  policy: Policy | undefined
  /** Sentences about variables that look like settings and have no effect. */
  warnings: readonly string[]
  /** Reasons for this backend and this store, for the first lines of the log. */
  because: { backend: string; store: string }
}

/** Wrong settings: its message names each with what is wrong and what is expected. */
export class ConfigError extends StartError {
  constructor(problems: readonly string[]) {
    super(`settings: ${problems.join('; ')}`)
    this.name = 'ConfigError'
  }
}

/** Reads the settings from an environment. Throws ConfigError. */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  const unknown = findUnknownSettings(environment)
  const settings = parseSettings(environment, unknown.problems)
  const inPod = environment.KUBERNETES_SERVICE_HOST !== undefined
  const onKubernetes = settings.kubernetes.kubeconfig !== undefined || inPod
  const s3 = s3Store(settings.s3, inPod)
  const store = s3 ?? folderStore(settings.local)
  const problems = validateSettings(settings, store, onKubernetes)
  if (problems.length > 0) throw new ConfigError(problems)
  const { kubernetes, s3: _, policy, ...groups } = settings
  const { uploaderImage = '' } = kubernetes
  const { jobs, http } = groups
  return {
    ...groups,
    jobs: { ...jobs, namespace: jobs.namespace ?? defaultNamespace(onKubernetes) },
    outgoing: withAllowRules(groups.outgoing, onKubernetes),
    edc: edcConnectors(groups.edc),
    signaling: signalingDataPlane(groups.signaling, http.publicUrl),
    backend: onKubernetes ? 'kubernetes' : 'local',
    kubernetes: { ...kubernetes, uploaderImage },
    policy: loadPolicy(policy.file),
    store,
    warnings: unknown.warnings,
    because: {
      backend: reasonForBackend(inPod, onKubernetes),
      store: s3 ? 'S3_ENDPOINT is set' : 'S3_ENDPOINT is not set',
    },
  }
}

function loadPolicy(file: string | undefined): Policy | undefined {
  try {
    return file === undefined ? undefined : readPolicyFile(file)
  } catch (error) {
    throw new ConfigError([messageOf(error)])
  }
}

function parseSettings(environment: NodeJS.ProcessEnv, misspelt: readonly string[]): Settings {
  const { groups, problems } = readEnvironment(environment)
  if (problems.length > 0) throw new ConfigError([...misspelt, ...problems])
  const parsed = settingsSchema.safeParse(groups)
  const wrong = (parsed.error?.issues ?? []).map(({ path: [group, field], message }) => {
    const setting = settingNames().find((name) => name.group === group && name.field === field)
    return `${setting?.variable}: ${message}`
  })
  if (parsed.success && misspelt.length === 0) return parsed.data
  throw new ConfigError([...misspelt, ...wrong])
}

function validateSettings(settings: Settings, store: StoreSettings, onKubernetes: boolean): string[] {
  const { http, auth, kubernetes, s3, edc, signaling, jobs, local } = settings
  return [
    ...validateHttp(http, auth, onKubernetes),
    ...(onKubernetes ? [...validateKubernetes(kubernetes), ...validateForPods(store)] : []),
    ...validateS3(s3, onKubernetes),
    ...(onKubernetes ? [] : validateSecrets(jobs.requestSecrets, local.secretsDirectory)),
    ...validateEdc(edc),
    ...validateSignaling(signaling, http.publicUrl),
  ]
}

function validateForPods(store: StoreSettings): string[] {
  if (storeForPods(store) !== undefined) return []
  return ['S3_ENDPOINT: missing; on Kubernetes results need a store that pods reach']
}

function validateSecrets(names: readonly string[], directory: string | undefined): string[] {
  if (names.length === 0 || directory !== undefined) return []
  return ['LOCAL_SECRETS_DIRECTORY: missing; expected with REQUEST_SECRETS where jobs are child processes']
}

function reasonForBackend(inPod: boolean, onKubernetes: boolean): string {
  if (inPod) return 'it runs in a pod'
  return onKubernetes ? 'KUBECONFIG is set' : 'KUBECONFIG is not set and it runs in no pod'
}

function defaultNamespace(onKubernetes: boolean): string {
  return onKubernetes ? (podNamespace() ?? 'default') : 'local'
}

function podNamespace(): string | undefined {
  try {
    return readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').trim()
  } catch {
    return undefined
  }
}
