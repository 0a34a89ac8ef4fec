import type { JobPlan } from '../../../job/backend.ts'
import type { JobRequest } from '../../../job/request/request.ts'
import { defined } from '../../../util/objects.ts'
import type { KubernetesJob, ObjectMeta, PodSpec, Volume } from '../api/objects.ts'
import { annotations, finalizer, jobLabels, jobName, volumes as volumeNames } from '../names.ts'
import type { KubernetesSettings } from '../settings.ts'
import { uploaderContainer } from './uploader-container.ts'
import { type EnvironmentKind, programContainers } from './worker-container.ts'

export interface JobSpecInput {
  plan: JobPlan
  settings: KubernetesSettings
  /** Random; in the worker's preStop hook, for GET /stop of the uploader alone. */
  preStopToken: string
  /** The kind of each `config_map_ref`, in the request's order. */
  environmentKinds: readonly EnvironmentKind[]
  now: Date
}

/**
 * The Job of a plan, suspended: it is resumed once its Secret and ConfigMap are there.
 *
 * A disrupted pod is replaced, and does not count as a failure of the worker (podFailurePolicy).
 * Kubernetes has no limit for that; job/state/disruption.ts has one. A replacement starts only
 * after the pod before it has ended (podReplacementPolicy), so that two attempts never run at once.
 */
export function jobObject({
  plan,
  settings,
  preStopToken,
  environmentKinds,
  now,
}: JobSpecInput): KubernetesJob {
  const { request, uuid } = plan
  const labels = jobLabels(uuid, request.labels)
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(uuid),
      namespace: settings.namespace,
      labels,
      annotations: {
        ...request.annotations,
        [annotations.requestSha256]: plan.requestSha256,
        [annotations.request]: JSON.stringify(withoutValues(request)),
        ...defined({ [annotations.madeBy]: plan.madeBy, [annotations.rerunOf]: plan.rerunOf }),
        ...(plan.restart && { [annotations.restart]: JSON.stringify(plan.restart) }),
        [annotations.inputsSha256]: plan.inputsSha256 ?? '',
        ...(plan.waiting && { [annotations.waiting]: JSON.stringify(plan.waiting) }),
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
        rules: [disruptionsDoNotCount],
      },
      template: {
        metadata: { labels, ...podAnnotations(request) },
        spec: podSpec(plan, settings, preStopToken, environmentKinds),
      },
    },
  }
}

/** The platform's end of a pod is no failure of its program. */
export const disruptionsDoNotCount = {
  action: 'Ignore',
  onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
}

/** The request without values that may be secret, as the Job's annotation keeps it. */
export function withoutValues(request: JobRequest): JobRequest {
  const blank = (variables: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.keys(variables).map((name) => [name, '']))
  const steps = request.steps?.map((step) => ({ ...step, ...(step.env && { env: blank(step.env) }) }))
  return { ...request, env: blank(request.env), job_env: blank(request.job_env), ...defined({ steps }) }
}

/** The last step's container is the worker, as without steps. */
function podAnnotations({ steps, annotations: given }: JobRequest): Pick<ObjectMeta, 'annotations'> {
  const last = steps?.at(-1)?.name
  if (last === undefined) return defined({ annotations: given })
  return { annotations: { ...given, [annotations.lastStep]: last } }
}

/** The user of the containers if the namespace demands `restricted`. */
export function restrictedUser(request: JobRequest): number {
  return request.run_as_user ?? 1000
}

function podSpec(
  plan: JobPlan,
  settings: KubernetesSettings,
  preStopToken: string,
  environmentKinds: readonly EnvironmentKind[],
): PodSpec {
  const { request } = plan
  const { steps, worker } = programContainers(plan, settings, preStopToken, environmentKinds)
  return {
    ...basicPodSpec(request, settings),
    ...defined({ affinity: request.affinity }),
    terminationGracePeriodSeconds: request.upload_timeout_seconds,
    initContainers: [uploaderContainer(plan, settings, preStopToken), ...steps],
    containers: [worker],
    volumes: podVolumes(plan, settings),
  }
}

/** The nodes on which a pod may run, and the identity with which it runs. */
export function basicPodSpec(request: JobRequest, settings: KubernetesSettings): Omit<PodSpec, 'containers'> {
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...podSecurityContext(request, settings),
    ...defined({ serviceAccountName: request.service_account }),
    ...(request.image_pull_secret !== undefined && {
      imagePullSecrets: [{ name: request.image_pull_secret }],
    }),
    ...defined({ priorityClassName: request.priority_class, runtimeClassName: request.runtime_class }),
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
  // Only root may write into a new volume claim; every user may write into an emptyDir.
  return request.run_as_user !== undefined && request.result_storage_class !== undefined
    ? { securityContext: { fsGroup: request.run_as_user, fsGroupChangePolicy: 'OnRootMismatch' } }
    : {}
}

function podVolumes({ uuid, request, secrets = [] }: JobPlan, settings: KubernetesSettings): Volume[] {
  return [
    resultsVolume(request),
    { name: volumeNames.inputs, emptyDir: {} },
    { name: volumeNames.state, emptyDir: {} },
    // In memory a full one is an error of the write; on a disk the kubelet would evict the pod.
    { name: volumeNames.word, emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    credentialsVolume(uuid, settings),
    ...(request.steps === undefined ? [] : [{ name: volumeNames.scratch, emptyDir: {} }]),
    ...(request.shared_memory === undefined
      ? []
      : [
          {
            name: volumeNames.sharedMemory,
            emptyDir: { medium: 'Memory', sizeLimit: request.shared_memory },
          },
        ]),
    // Optional: the uploader says which is absent, and waits for it.
    ...secrets.map((secretName, index) => ({
      name: volumeNames.secret(index),
      secret: { secretName, defaultMode: 0o400, optional: true },
    })),
    ...request.volumes.map(({ claim, read_only: readOnly }, index) => ({
      name: volumeNames.claim(index),
      persistentVolumeClaim: { claimName: claim, readOnly },
    })),
  ]
}

/** The uploader's credentials, in the job's Secret. */
export function credentialsVolume(uuid: string, { store }: KubernetesSettings): Volume {
  return {
    name: volumeNames.credentials,
    secret: {
      secretName: jobName(uuid),
      defaultMode: 0o400,
      items: Object.keys(store.credentialFiles).map((key) => ({ key, path: key })),
    },
  }
}

function resultsVolume({ result_storage: size, result_storage_class: storageClass }: JobRequest): Volume {
  const name = volumeNames.results
  if (storageClass === undefined) {
    return { name, emptyDir: defined({ sizeLimit: size }) }
  }
  return {
    name,
    ephemeral: {
      volumeClaimTemplate: {
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(storageClass !== '' && { storageClassName: storageClass }),
          resources: { requests: defined({ storage: size }) },
        },
      },
    },
  }
}
