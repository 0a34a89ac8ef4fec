/** Every name that Jobferry gives to something in a cluster (contract: "Cluster objects"). */

/** On all that Jobferry makes; watches and lists select by it. */
export const managedBy = { label: 'app.kubernetes.io/managed-by', value: 'jobferry' } as const

/** The uuid of the job that an object belongs to. */
export const jobLabel = 'jobferry.dev/job'

/** The Job controller's own labels on its pods: the Job's uid and name, also where the owner reference is gone. */
export const controllerLabels = {
  uid: 'batch.kubernetes.io/controller-uid',
  jobName: 'batch.kubernetes.io/job-name',
} as const

/** Tells free-standing ConfigMaps and Secrets and rescues from a job's own objects, which have no such label. */
export const kind = { label: 'jobferry.dev/kind', environment: 'environment', rescue: 'rescue' } as const

export const annotations = {
  /** Hex SHA-256 over the request and its inputs: tells a replay from another request. */
  requestSha256: 'jobferry.dev/request-sha256',
  /** The request as JSON, the environment's values blanked. */
  request: 'jobferry.dev/request',
  /** When the creation began; there until the Job is resumed. */
  creating: 'jobferry.dev/creating',
  /** The API's decision to stop the job, as JSON (Stop); written before anything is deleted. */
  stop: 'jobferry.dev/stop',
  /** The attempts that were disrupted, as JSON (Disruption[]): their pods may be gone before they are counted. */
  disruptions: 'jobferry.dev/disruptions',
  /** When log and record were archived: nothing is owed to the Job any more. */
  archived: 'jobferry.dev/archived',
} as const

/** Holds a Job until its log and record are archived. */
export const finalizer = 'jobferry.dev/archive'

export const leaseName = 'jobferry'

export const containers = { uploader: 'uploader', worker: 'worker' } as const

export const volumes = {
  results: 'results',
  inputs: 'inputs',
  state: 'uploader-state',
  credentials: 'uploader-credentials',
  /** `claim-0` and so on: what the request asks for. */
  claim: (index: number) => `claim-${index}`,
} as const

/** Where the uploader's volumes are mounted in it; the worker has inputs at the same path. */
export const paths = {
  results: '/results',
  inputs: '/input',
  state: '/state',
  credentials: '/credentials',
} as const

/** Keys in a job's Secret. */
export const secretKeys = {
  accessKey: 'access-key',
  secretKey: 'secret-key',
  /** A variable of the caller's environment. */
  env: (name: string) => `env.${name}`,
} as const

/** Of a job's Job, Secret and ConfigMap. */
export function jobName(uuid: string): string {
  return `job-${uuid}`
}

/** The uuid in a job's name; undefined for a name of something else. */
export function uuidInName(name: string | undefined): string | undefined {
  return /^job-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(name ?? '')?.[1]
}

/** Of the Job that rescues a job's results; no jobName(), so that nothing takes it or its pods for that job's. */
export function rescueName(uuid: string): string {
  return `${jobName(uuid)}-rescue`
}

/** The uuid of the job that a Job of that name rescues. */
export function uuidInRescueName(name: string | undefined): string | undefined {
  return name?.endsWith('-rescue') ? uuidInName(name.slice(0, -'-rescue'.length)) : undefined
}

/** Of the claim that Kubernetes makes for a pod with an ephemeral volume of results. */
export function resultsClaim(podName: string): string {
  return `${podName}-${volumes.results}`
}

export function jobLabels(uuid: string): Record<string, string> {
  return { [managedBy.label]: managedBy.value, [jobLabel]: uuid }
}

export const managedSelector = `${managedBy.label}=${managedBy.value}`
export const environmentSelector = `${managedSelector},${kind.label}=${kind.environment}`

/** The Job controller holds each of its pods by it until it has counted the pod's end. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
