import type { RequestField } from '../../../job/request/fields.ts'
import type { JobRequest } from '../../../job/request/request.ts'
import type { FieldError } from '../../../util/errors.ts'
import type { Container, PodSpec } from '../api/objects.ts'
import type { StatusCause } from '../api/status-error.ts'
import { volumes as volumeNames } from '../names.ts'

/**
 * How many volumes, mounts and environment sources of its own a pod has before those of the
 * request.
 */
export interface OwnItems {
  /** Position of the volume with the results. */
  resultsVolume: number
  /** Position of `/dev/shm`, -1 without `shared_memory`. */
  sharedMemoryVolume: number
  volumes: number
  mounts: number
  environmentSources: number
  /** Of `config_map_ref`, before those of `env_from`. */
  environments: number
  /**
   * Names of the worker's variables in their order; undefined for a variable that is not the
   * request's.
   */
  variables: readonly (string | undefined)[]
  /** How many steps, the first ones, have no container. */
  reused: number
  /** Of each step, its own fields and the names of its variables as above. */
  steps: readonly { fields: readonly string[]; variables: OwnItems['variables'] }[]
}

/** Of the pod that was made for the request. */
export function ownItemsOf(request: JobRequest, pod: PodSpec | undefined): OwnItems {
  const { volumes = [], containers: [container] = [], initContainers = [] } = pod ?? {}
  const { volumeMounts = [], envFrom = [] } = container ?? {}
  const programs = [...initContainers.slice(1), ...(container ? [container] : [])]
  const reused = Math.max(0, (request.steps?.length ?? 0) - programs.length)
  const steps = (request.steps ?? []).map((step, index) => ({
    fields: Object.keys(step),
    variables: variablesOf(programs[index - reused]),
  }))
  return {
    resultsVolume: volumes.findIndex(({ name }) => name === volumeNames.results),
    sharedMemoryVolume: volumes.findIndex(({ name }) => name === volumeNames.sharedMemory),
    volumes: volumes.length - request.volumes.length,
    mounts: volumeMounts.filter(({ name }) => name !== volumeNames.word).length - request.volumes.length,
    environmentSources: envFrom.length - request.config_map_ref.length - (request.env_from?.length ?? 0),
    environments: request.config_map_ref.length,
    variables: variablesOf(container),
    ...{ reused, steps },
  }
}

function variablesOf({ env = [] }: Partial<Container> = {}): OwnItems['variables'] {
  return env.map(({ name, valueFrom }) => (valueFrom === undefined ? undefined : name))
}

/**
 * Errors of the API server about a Job, Secret or ConfigMap, by the names of the request's fields.
 */
export function fieldErrorsOf(causes: readonly StatusCause[], own: OwnItems): FieldError[] {
  return causes.map(({ field, message }) => ({
    field: requestField(field, own),
    ...problemAndRemedy(message),
  }))
}

/** The request's field for a path in our objects; the path itself if no field belongs to it. */
export function requestField(path: string, own: OwnItems): string {
  return stepField(path, own) ?? fieldAt(path, own)
}

/**
 * For a path in a step's container or among its variables; undefined for another one. A field that
 * the step takes over is that beside `steps`.
 */
function stepField(path: string, own: OwnItems): string | undefined {
  const [, ofStep, variableName] = /^data\[step-(\d+)\.env\.(.+)\]$/.exec(path) ?? []
  if (ofStep !== undefined) return `steps[${ofStep}].env.${variableName}`
  const [, list, position, rest] = /^spec\.template\.spec\.(\w+)\[(\d+)\]\.(.+)$/.exec(path) ?? []
  if (list !== 'containers' && list !== 'initContainers') return undefined
  // The uploader is the first init container, and the last step is the worker.
  const index = list === 'containers' ? own.steps.length - 1 : Number(position) - 1 + own.reused
  const step = own.steps[index]
  if (step === undefined) return undefined
  const inWorker = `spec.template.spec.containers[0].${rest}`
  const { variables } = step
  const field = rest === 'workingDir' ? 'working_directory' : fieldAt(inWorker, { ...own, variables })
  const [root = ''] = field.split(/[.[]/)
  return step.fields.includes(root) ? `steps[${index}].${field}` : field
}

function fieldAt(path: string, own: OwnItems): string {
  for (const [field, places] of Object.entries<readonly Place[]>(placesOf)) {
    for (const [pattern, partOf = wholeField] of places) {
      const match = pattern.exec(path)
      const part = match === null ? undefined : partOf(match, own, field)
      if (part !== undefined) return part
    }
  }
  return path
}

/**
 * A path, and the part of the field at it; without that the whole field. Undefined: the path is
 * another field's.
 */
type Place = readonly [path: RegExp, partOf?: PartOf]
type PartOf = (match: RegExpExecArray, own: OwnItems, field: string) => string | undefined

const worker = 'spec\\.template\\.spec\\.containers\\[0\\]'
const pod = 'spec\\.template\\.spec'
const at = (start: string, rest: string) => new RegExp(`^${start}\\.${rest}`)
const wholeField: PartOf = (_match, _own, field) => field
const itemOf: PartOf = (match) => match[1] ?? ''
const ofSharedMemory: PartOf = (match, own, field) =>
  Number(match[1]) === own.sharedMemoryVolume ? field : undefined
const ofResults: PartOf = (match, own, field) => (Number(match[1]) === own.resultsVolume ? field : undefined)

/**
 * The paths of each field in the Job, its Secret and its ConfigMap; none if Jobferry alone reads
 * the field.
 */
const placesOf = {
  job: [],
  name: [],
  image: [[at(worker, 'image$')]],
  command: [[at(worker, '(command(?:\\[\\d+\\])?)'), itemOf]],
  args: [[at(worker, '(args(?:\\[\\d+\\])?)'), itemOf]],
  env: [
    [at(worker, 'env\\[(\\d+)\\]'), (match, own) => variable(own.variables[Number(match[1])])],
    [/^data\[env\.(.+)\]$/, (match) => variable(match[1])],
    // `[]`: a ConfigMap that is too large.
    [/^data|^\[\]$/],
  ],
  config_map_ref: [[at(worker, 'envFrom\\[(\\d+)\\]'), environmentSource]],
  parameters: [],
  // By config_map_ref, whose places are the same.
  env_from: [],
  inputs: [],
  input_timeout_seconds: [],
  outputs: [],
  cpu: [[at(worker, 'resources\\.\\w+(?:\\.cpu|\\[cpu\\])')]],
  memory: [[at(worker, 'resources\\.\\w+(?:\\.memory|\\[memory\\])')]],
  gpu: [[at(worker, 'resources\\.\\w+\\[nvidia\\.com/gpu\\]')]],
  cpu_request: [],
  memory_request: [],
  ephemeral_storage: [[at(worker, 'resources\\.\\w+\\[ephemeral-storage\\]')]],
  extended_resources: [
    [at(worker, 'resources\\.\\w+\\[(.+/.+)\\]'), (match, _own, field) => `${field}.${match[1]}`],
  ],
  shared_memory: [[at(pod, 'volumes\\[(\\d+)\\]'), ofSharedMemory]],
  // By the fields above, in the container of the step.
  steps: [],
  result_directory: [[at(worker, 'volumeMounts\\[(\\d+)\\]'), mount]],
  result_storage: [[at(pod, 'volumes\\[(\\d+)\\](?!\\.ephemeral\\..*storageClassName)'), ofResults]],
  result_storage_class: [[at(pod, 'volumes\\[(\\d+)\\]\\.ephemeral\\..*storageClassName'), ofResults]],
  result_layout: [],
  volumes: [
    [at(pod, 'volumes\\[(\\d+)\\]'), (match, own) => `volumes[${Number(match[1]) - own.volumes}].claim`],
  ],
  image_pull_secret: [[at(pod, 'imagePullSecrets')]],
  image_pull_policy: [[at(worker, 'imagePullPolicy')]],
  node_selector: [[at(pod, 'nodeSelector')]],
  affinity: [[at(pod, '(affinity.*)$'), itemOf]],
  tolerations: [[at(pod, '(tolerations.*)$'), itemOf]],
  priority_class: [[at(pod, 'priorityClassName')]],
  labels: [[/^(spec\.template\.)?metadata\.labels|^spec\.template\.labels/]],
  annotations: [[/^spec\.template\.(?:metadata\.)?annotations/]],
  runtime_class: [[at(pod, 'runtimeClassName')]],
  service_account: [[at(pod, 'serviceAccountName')]],
  run_as_user: [[at(worker, 'securityContext\\.runAsUser')], [at(pod, 'securityContext\\.(runAs|fsGroup)')]],
  retries: [[/^spec\.backoffLimit/]],
  depends_on: [],
  start_timeout_seconds: [],
  timeout_seconds: [],
  heartbeat_seconds: [],
  hold_after_failure_seconds: [],
  stop_grace_seconds: [],
  upload_timeout_seconds: [[at(pod, 'terminationGracePeriodSeconds')]],
  upload_while_running: [],
  keep_seconds: [[/^spec\.ttlSecondsAfterFinished/]],
  result_keep_seconds: [],
  callback: [],
  callback_events: [],
  // The annotation holds the request; Kubernetes limits the size of all annotations together.
  request: [[/^metadata\.annotations/]],
} satisfies Record<RequestField | 'request', readonly Place[]>

function environmentSource(match: RegExpExecArray, own: OwnItems): string {
  const index = Number(match[1]) - own.environmentSources
  if (index < 0) return 'job'
  return index < own.environments ? `config_map_ref[${index}]` : `env_from[${index - own.environments}]`
}

function mount(match: RegExpExecArray, own: OwnItems): string {
  const index = Number(match[1]) - own.mounts
  return index < 0 ? 'result_directory' : `volumes[${index}].mount_path`
}

function variable(name: string | undefined): string {
  return name === undefined ? 'env' : `env.${name}`
}

/** `Invalid value: "x": must be …` states the problem and the expected value. */
function problemAndRemedy(message: string): Pick<FieldError, 'problem' | 'expected'> {
  const match = /^(.+?): ((?:must|should|may|a |an |supported values).+)$/s.exec(message)
  if (match?.[1] === undefined || match[2] === undefined) {
    return { problem: message, expected: 'a value that Kubernetes accepts' }
  }
  return { problem: match[1], expected: match[2] }
}
