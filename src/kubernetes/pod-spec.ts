import type { JobPlan } from '../job/backend.ts'
import type { JobRequest } from '../job/request.ts'
import { annotations, finalizer, jobLabels, jobName, secretKeys, volumes as volumeNames } from './names.ts'
import type { Job, PodSpec, Volume } from './objects.ts'
import type { KubernetesSettings } from './settings.ts'
import { uploaderContainer } from './uploader-container.ts'
import { type EnvironmentKind, workerContainer } from './worker-container.ts'

export interface JobSpecInput {
  plan: JobPlan
  settings: KubernetesSettings
  /** Random; only the worker's preStop hook and the uploader know it. */
  stopToken: string
  /** Of each `config_map_ref`, in the request's order. */
  environmentKinds: readonly EnvironmentKind[]
  now: Date
}

/**
 * The Job of a plan, suspended: it is resumed once its Secret and ConfigMap are there.
 *
 * A pod that is disrupted is replaced without being counted as the worker's own failure (podFailurePolicy). Kubernetes
 * has no limit for that; job/disruption.ts has. A replacement starts only after its forerunner has ended
 * (podReplacementPolicy), so that no two attempts live at once.
 */
export function jobObject({ plan, settings, stopToken, environmentKinds, now }: JobSpecInput): Job {
  const { request, uuid } = plan
  const labels = { ...request.labels, ...jobLabels(uuid) }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(uuid),
      namespace: settings.namespace,
      labels,
      annotations: {
        [annotations.requestSha256]: plan.requestSha256,
        [annotations.request]: JSON.stringify(withoutValues(request)),
        [annotations.creating]: now.toISOString(),
      },
      finalizers: [finalizer],
    },
    spec: {
      suspend: true,
      parallelism: 1,
      completions: 1,
      backoffLimit: request.retries,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
      template: {
        metadata: { labels },
        spec: podSpec(plan, settings, stopToken, environmentKinds),
      },
    },
  }
}

/** The request with nothing in it that may be secret: what the Job keeps in an annotation. */
export function withoutValues(request: JobRequest): JobRequest {
  const blank = (variables: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.keys(variables).map((name) => [name, '']))
  return { ...request, env: blank(request.env), job_env: blank(request.job_env) }
}

/** Who the containers run as where the namespace demands `restricted`. */
export function restrictedUser(request: JobRequest): number {
  return request.run_as_user ?? 1000
}

function podSpec(
  plan: JobPlan,
  settings: KubernetesSettings,
  stopToken: string,
  environmentKinds: readonly EnvironmentKind[],
): PodSpec {
  const { request } = plan
  return {
    ...basicPodSpec(request, settings),
    terminationGracePeriodSeconds: request.upload_timeout_seconds,
    initContainers: [uploaderContainer(plan, settings, stopToken)],
    containers: [workerContainer(plan, settings, stopToken, environmentKinds)],
    volumes: podVolumes(plan),
  }
}

/** Where its pods may run, and as whom. */
export function basicPodSpec(request: JobRequest, settings: KubernetesSettings): Omit<PodSpec, 'containers'> {
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...podSecurityContext(request, settings),
    ...(request.service_account === undefined ? {} : { serviceAccountName: request.service_account }),
    ...(request.image_pull_secret === undefined
      ? {}
      : { imagePullSecrets: [{ name: request.image_pull_secret }] }),
    ...(request.priority_class === undefined ? {} : { priorityClassName: request.priority_class }),
    nodeSelector: request.node_selector,
    tolerations: request.tolerations,
  }
}

function podSecurityContext(
  request: JobRequest,
  settings: KubernetesSettings,
): Pick<PodSpec, 'securityContext'> {
  if (settings.podSecurity === 'restricted') {
    const user = restrictedUser(request)
    return {
      securityContext: {
        runAsUser: user,
        runAsGroup: user,
        runAsNonRoot: true,
        fsGroup: user,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
    }
  }
  // A new volume claim's root directory is root's alone; an emptyDir can be written by everyone.
  return request.run_as_user !== undefined && request.result_storage_class !== undefined
    ? { securityContext: { fsGroup: request.run_as_user, fsGroupChangePolicy: 'OnRootMismatch' } }
    : {}
}

function podVolumes({ uuid, request }: JobPlan): Volume[] {
  return [
    resultsVolume(request),
    { name: volumeNames.inputs, emptyDir: {} },
    { name: volumeNames.state, emptyDir: {} },
    credentialsVolume(uuid),
    ...request.volumes.map(({ claim, read_only: readOnly }, index) => ({
      name: volumeNames.claim(index),
      persistentVolumeClaim: { claimName: claim, readOnly },
    })),
  ]
}

/** The uploader's, in the job's Secret. */
export function credentialsVolume(uuid: string): Volume {
  return {
    name: volumeNames.credentials,
    secret: {
      secretName: jobName(uuid),
      defaultMode: 0o400,
      items: [secretKeys.accessKey, secretKeys.secretKey].map((key) => ({ key, path: key })),
    },
  }
}

function resultsVolume({ result_storage: size, result_storage_class: storageClass }: JobRequest): Volume {
  const name = volumeNames.results
  if (storageClass === undefined) {
    return { name, emptyDir: size === undefined ? {} : { sizeLimit: size } }
  }
  return {
    name,
    ephemeral: {
      volumeClaimTemplate: {
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(storageClass === '' ? {} : { storageClassName: storageClass }),
          resources: { requests: size === undefined ? {} : { storage: size } },
        },
      },
    },
  }
}
