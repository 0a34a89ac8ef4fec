import { readFileSync } from 'node:fs'
import type { Policy } from '../job/policy/policy.ts'
import { type StoreSettings, storeForPods } from '../store/store-kinds.ts'
import type { AllowRules } from '../util/egress/allow.ts'
import { messageOf, StartError } from '../util/errors.ts'
import { settingNames } from './environment.ts'
import { type GivenSettings, givenSettings, whereGiven } from './given-settings.ts'
import { validateAmqp } from './groups/amqp-group.ts'
import { validateHttp } from './groups/callers/http-group.ts'
import type { JobsSettings } from './groups/jobs-group.ts'
import { clusterAddress, type KubernetesConfig, validateKubernetes } from './groups/kubernetes-group.ts'
import { folderStore } from './groups/local-group.ts'
import { edcConnectors, validateEdc } from './groups/outgoing/data-spaces-group.ts'
import { withAllowRules } from './groups/outgoing/outgoing-group.ts'
import { signalingDataPlane, validateSignaling } from './groups/outgoing/signaling-group.ts'
import { s3Store, validateS3 } from './groups/s3-group.ts'
import { readPolicyFile } from './policy-file.ts'
import { type Settings, settingsSchema } from './schema.ts'

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
  /** The settings file that was read; undefined without one. */
  settingsFile: string | undefined
  /** Files whose texts are settings or the policy: they may change while the program runs. */
  files: readonly string[]
  /** What somebody gave, by environment variable. */
  given: GivenSettings['given']
  /** Reads the settings again, as loadConfig() does. */
  reread(): Config
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

/** Reads the settings from an environment, and from the settings file. Throws ConfigError. */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  const found = givenSettings(environment)
  const settings = parseSettings(found)
  const inPod = environment.KUBERNETES_SERVICE_HOST !== undefined
  const { kubeconfig, clusterUrl, clusterVerify } = settings.kubernetes
  const onKubernetes = kubeconfig !== undefined || clusterUrl !== undefined || inPod
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
    kubernetes: {
      ...kubernetes,
      uploaderImage,
      cluster: clusterAddress(kubernetes, found.given.get('CLUSTER_TOKEN')?.file),
    },
    policy: found.policy ?? loadPolicy(policy.file),
    store,
    given: found.given,
    settingsFile: found.path,
    files: filesOf(found, policy.file),
    reread: () => loadConfig(environment),
    warnings: [...found.warnings, ...(clusterVerify ? [] : [unverified])],
    because: {
      backend: reasonForBackend(settings.kubernetes, inPod),
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

function parseSettings(found: GivenSettings): Settings {
  const groups = Object.fromEntries(
    Object.keys(settingsSchema.shape).map((group): [string, Record<string, string>] => [group, {}]),
  )
  for (const { group, field, text } of found.given.values())
    Object.assign(groups[group] ?? {}, { [field]: text })
  const parsed = settingsSchema.safeParse(groups)
  const wrong = (parsed.error?.issues ?? []).map(({ path: [group, field], message }) => {
    const setting = settingNames().find((name) => name.group === group && name.field === field)
    return `${setting && whereGiven(setting, found)}: ${message}`
  })
  if (parsed.success && found.problems.length === 0) return parsed.data
  throw new ConfigError([...found.problems, ...wrong])
}

function filesOf({ given, path }: GivenSettings, policyFile: string | undefined): string[] {
  const files = [path, policyFile, ...Array.from(given.values(), ({ file }) => file)]
  return files.filter((file) => file !== undefined)
}

function validateSettings(settings: Settings, store: StoreSettings, onKubernetes: boolean): string[] {
  const { http, auth, kubernetes, s3, amqp, edc, signaling, jobs, local } = settings
  return [
    ...validateHttp(http, auth, onKubernetes),
    ...(onKubernetes ? [...validateKubernetes(kubernetes), ...validateForPods(store)] : []),
    ...validateS3(s3, onKubernetes),
    ...(onKubernetes ? [] : validateSecrets(jobs.requestSecrets, local.secretsDirectory)),
    ...validateAmqp(amqp),
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

const unverified =
  'CLUSTER_VERIFY is 0: the certificate of the cluster is not checked, and an attacker on the way gets the token'

function reasonForBackend({ kubeconfig, clusterUrl }: Settings['kubernetes'], inPod: boolean): string {
  if (clusterUrl !== undefined) return 'CLUSTER_URL is set'
  if (inPod) return 'it runs in a pod'
  return kubeconfig === undefined
    ? 'neither KUBECONFIG nor CLUSTER_URL is set and it runs in no pod'
    : 'KUBECONFIG is set'
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
