// Every name that Jobferry gives to an object of a cluster or to a part of one.

/** On every object that Jobferry makes; watches and lists select by it. */
export const managedBy = { label: 'app.kubernetes.io/managed-by', value: 'jobferry' } as const

/** The uuid of the job that an object belongs to. */
export const jobLabel = 'jobferry.dev/job'

/**
 * The Job controller's labels on its pods: the Job's UID and name, kept when the owner reference is
 * taken away.
 */
export const controllerLabels = {
  uid: 'batch.kubernetes.io/controller-uid',
  jobName: 'batch.kubernetes.io/job-name',
} as const

/** On environments, rescues and deliveries; objects of a job itself have no such label. */
export const kind = {
  label: 'jobferry.dev/kind',
  environment: 'environment',
  rescue: 'rescue',
  delivery: 'delivery',
} as const

export const annotations = {
  /**
   * Hex SHA-256 over the request and its inputs: distinguishes a repeated request from another one.
   */
  requestSha256: 'jobferry.dev/request-sha256',
  /** The request as JSON, with the values of its environment blanked. */
  request: 'jobferry.dev/request',
  /** Name of the token that the job was made with; absent without one. */
  madeBy: 'jobferry.dev/made-by',
  /** Uuid of the job whose request this one repeats. */
  rerunOf: 'jobferry.dev/rerun-of',
  /** Whose result its own begins with, and which step runs first, as JSON (Restart). */
  restart: 'jobferry.dev/restart',
  /** Hex SHA-256 of the list of inputs; empty without inputs. */
  inputsSha256: 'jobferry.dev/inputs-sha256',
  /** When the creation began; present until the Job is resumed. */
  creating: 'jobferry.dev/creating',
  /** What the job waits for before it is resumed, as JSON (Waiting); absent once it has begun. */
  waiting: 'jobferry.dev/waiting',
  /** When a job that had waited was resumed. */
  begun: 'jobferry.dev/begun',
  /** The API's decision to stop the job, as JSON (Stop); written before anything is deleted. */
  stop: 'jobferry.dev/stop',
  /**
   * The disrupted attempts as JSON (Disruption[]): their pods may be gone before they are counted.
   */
  disruptions: 'jobferry.dev/disruptions',
  /**
   * The decision to give the job another Job, as JSON (Again); written before that Job is made.
   */
  again: 'jobferry.dev/again',
  /** On such a Job: the UID of the job's first one. */
  firstJob: 'jobferry.dev/first-job',
  /** On a pod with steps: the name of the last one, whose container is the worker. */
  lastStep: 'jobferry.dev/last-step',
  /** When log and record were archived: nothing more has to be done for the Job. */
  archived: 'jobferry.dev/archived',
} as const

/** Labels by which manifests/base finds the API's own pods. */
export const apiLabels = {
  'app.kubernetes.io/name': 'jobferry',
  'app.kubernetes.io/component': 'api',
} as const

/** The API's own container in manifests/. */
export const apiContainer = 'api'

/** Holds a Job until its log and record are archived. */
export const finalizer = 'jobferry.dev/archive'

export const leaseName = 'jobferry'

export const containers = { uploader: 'uploader', worker: 'worker' } as const

const stepPrefix = 'step-'

/** Container of a step before the last one, which is the worker. */
export function stepContainer(step: string): string {
  return `${stepPrefix}${step}`
}

/** The step of a container named by stepContainer(); undefined for every other one. */
export function stepOfContainer(name: string): string | undefined {
  return name.startsWith(stepPrefix) ? name.slice(stepPrefix.length) : undefined
}

export const volumes = {
  results: 'results',
  inputs: 'inputs',
  state: 'uploader-state',
  credentials: 'uploader-credentials',
  scratch: 'scratch',
  word: 'word',
  sharedMemory: 'shared-memory',
  /** `secret-0` and so on: the Secrets that the request's inputs name. */
  secret: (index: number) => `secret-${index}`,
  /** `claim-0` and so on: the request's volumes. */
  claim: (index: number) => `claim-${index}`,
} as const

/** Mount paths in the uploader; the worker has inputs at the same path and shared memory, steps the scratch folder. */
export const paths = {
  results: '/results',
  inputs: '/input',
  state: '/state',
  credentials: '/credentials',
  scratch: '/scratch',
  word: '/jobferry',
  sharedMemory: '/dev/shm',
  secrets: '/secrets',
} as const

/** Keys in a job's Secret, beside the files of the uploader's credentials. */
export const secretKeys = {
  /** Signs the API's calls of its uploaders (job/end-call.ts). */
  endKey: 'end-key',
  /** A variable of the request's `env`. */
  env: (name: string) => `env.${name}`,
  /** A variable of a step's own `env`; from 0 on. */
  stepEnv: (step: number, name: string) => `step-${step}.env.${name}`,
} as const

/** Name of a job's Job, Secret and ConfigMap. */
export function jobName(uuid: string): string {
  return `job-${uuid}`
}

/** The uuid in a name made by jobName(); undefined for every other name. */
export function uuidInName(name: string | undefined): string | undefined {
  return /^job-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(name ?? '')?.[1]
}

/**
 * Name of the `number`th further Job of a job, from 1 on. Not a jobName(): the first Job alone
 * stands for the job.
 */
export function againName(uuid: string, number: number): string {
  return `${jobName(uuid)}-again-${number}`
}

/** The uuid and the number in a name made by againName(); undefined for every other name. */
export function againInName(name: string | undefined): { uuid: string; number: number } | undefined {
  const [, first, number] = /^(.*)-again-([1-9]\d?)$/.exec(name ?? '') ?? []
  const uuid = uuidInName(first)
  return uuid === undefined ? undefined : { uuid, number: Number(number) }
}

/**
 * Name of the Job that rescues a job's results. Not a jobName(): its pods must not pass for the
 * job's pods.
 */
export function rescueName(uuid: string): string {
  return `${jobName(uuid)}-rescue`
}

/** The uuid in a name made by rescueName(); undefined for every other name. */
export function uuidInRescueName(name: string | undefined): string | undefined {
  return name?.endsWith('-rescue') ? uuidInName(name.slice(0, -'-rescue'.length)) : undefined
}

/** Name of the Job that delivers a job's result, and of its Secret. Not a jobName() either. */
export function deliveryName(uuid: string, round: number): string {
  return `${jobName(uuid)}-deliver-${round}`
}

/** Selects the Jobs and pods that deliver the job's result. */
export function deliverySelector(uuid: string): string {
  return `${jobLabel}=${uuid},${kind.label}=${kind.delivery}`
}

/** Name of the claim that Kubernetes makes for a pod with an ephemeral volume of results. */
export function resultsClaim(podName: string): string {
  return `${podName}-${volumes.results}`
}

/** Labels of a job's objects: its `own` ones, which can't replace ours. */
export function jobLabels(uuid: string, own: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...own, [managedBy.label]: managedBy.value, [jobLabel]: uuid }
}

/** Selects the Job controller's pods of these Jobs, by the Jobs' UIDs. */
export function podsOfJobs(uids: readonly string[]): string {
  return uids.length === 1
    ? `${controllerLabels.uid}=${uids[0]}`
    : `${controllerLabels.uid} in (${uids.join(',')})`
}

export const managedSelector = `${managedBy.label}=${managedBy.value}`
export const environmentSelector = `${managedSelector},${kind.label}=${kind.environment}`

/** By this the Job controller keeps each of its pods until it has counted the pod's end. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
