import type { FieldError } from '../errors.ts'
import type { JobRequest } from '../job/request.ts'
import type { StatusCause } from './status-error.ts'

/** How many volumes, mounts and sources of the environment pod-spec.ts puts before the request's own. */
export interface OwnItems {
  volumes: number
  mounts: number
  /** 1 where the Job has a ConfigMap of its own. */
  environmentSources: number
  /** Names of `env` in their order in the container. */
  variables: readonly string[]
}

export function ownItemsOf(request: JobRequest): OwnItems {
  return {
    volumes: 4,
    mounts: 2,
    environmentSources: Object.keys(request.job_env).length > 0 ? 1 : 0,
    variables: Object.keys(request.env),
  }
}

/** What the API server refused of a Job, Secret or ConfigMap, in the request's words. */
export function fieldErrorsOf(causes: readonly StatusCause[], own: OwnItems): FieldError[] {
  return causes.map(({ field, message }) => ({
    field: requestField(field, own),
    ...problemAndRemedy(message),
  }))
}

/** The request's field for a path in our objects; where there is none, Kubernetes' path itself. */
export function requestField(path: string, own: OwnItems): string {
  for (const [pattern, field] of patterns) {
    const match = pattern.exec(path)
    if (match !== null) return typeof field === 'string' ? field : field(match, own)
  }
  return path
}

type FieldOf = string | ((match: RegExpExecArray, own: OwnItems) => string)

const worker = 'spec\\.template\\.spec\\.containers\\[0\\]'
const pod = 'spec\\.template\\.spec'
const at = (start: string, rest: string) => new RegExp(`^${start}\\.${rest}`)

const patterns: readonly (readonly [RegExp, FieldOf])[] = [
  [at(worker, 'image$'), 'image'],
  [at(worker, 'imagePullPolicy'), 'image_pull_policy'],
  [at(worker, '(command|args)(\\[\\d+\\])?'), (match) => `${match[1]}${match[2] ?? ''}`],
  [at(worker, 'resources\\.\\w+\\[(cpu|memory)\\]'), (match) => match[1] ?? ''],
  [at(worker, 'resources\\.\\w+\\[nvidia\\.com/gpu\\]'), 'gpu'],
  [at(worker, 'resources\\.\\w+\\.(cpu|memory)'), (match) => match[1] ?? ''],
  [at(worker, 'securityContext\\.runAsUser'), 'run_as_user'],
  [at(pod, 'securityContext\\.(runAs|fsGroup)'), 'run_as_user'],
  [at(worker, 'envFrom\\[(\\d+)\\]'), environmentSource],
  [at(worker, 'env\\[(\\d+)\\]'), (match, own) => variable(own.variables[Number(match[1])])],
  [at(worker, 'volumeMounts\\[(\\d+)\\]'), mount],
  [at(pod, 'volumes\\[0\\]\\.ephemeral\\..*storageClassName'), 'result_storage_class'],
  [at(pod, 'volumes\\[0\\]'), 'result_storage'],
  [at(pod, 'volumes\\[(\\d+)\\]'), (match, own) => `volumes[${Number(match[1]) - own.volumes}].claim`],
  [at(pod, 'tolerations(.*)$'), (match) => `tolerations${match[1]}`],
  [at(pod, 'nodeSelector'), 'node_selector'],
  [at(pod, 'priorityClassName'), 'priority_class'],
  [at(pod, 'serviceAccountName'), 'service_account'],
  [at(pod, 'imagePullSecrets'), 'image_pull_secret'],
  [at(pod, 'terminationGracePeriodSeconds'), 'upload_timeout_seconds'],
  [/^(spec\.template\.)?metadata\.labels|^spec\.template\.labels/, 'labels'],
  [/^spec\.backoffLimit/, 'retries'],
  [/^spec\.ttlSecondsAfterFinished/, 'keep_seconds'],
  // All that is in an annotation is the request itself; there is a limit for all of them together.
  [/^metadata\.annotations/, 'request'],
  [/^data\[env\.(.+)\]$/, (match) => variable(match[1])],
  // `[]`: a ConfigMap that is too large as a whole.
  [/^data|^\[\]$/, 'env'],
]

function environmentSource(match: RegExpExecArray, own: OwnItems): string {
  const index = Number(match[1]) - own.environmentSources
  return index < 0 ? 'job' : `config_map_ref[${index}]`
}

function mount(match: RegExpExecArray, own: OwnItems): string {
  const index = Number(match[1]) - own.mounts
  return index < 0 ? 'result_directory' : `volumes[${index}].mount_path`
}

function variable(name: string | undefined): string {
  return name === undefined ? 'env' : `env.${name}`
}

/** `Invalid value: "x": must be …` says both what is wrong and what would be right. */
function problemAndRemedy(message: string): Pick<FieldError, 'problem' | 'expected'> {
  const match = /^(.+?): ((?:must|should|may|a |an |supported values).+)$/s.exec(message)
  if (match?.[1] === undefined || match[2] === undefined) {
    return { problem: message, expected: 'what Kubernetes accepts' }
  }
  return { problem: match[1], expected: match[2] }
}
