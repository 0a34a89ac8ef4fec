import type { JobRequest } from '../../../job/request/request.ts'
import { defined } from '../../../util/objects.ts'
import type { Container, KubernetesJob, ObjectMeta } from '../api/objects.ts'
import { jobLabels, kind, rescueName, resultsClaim, volumes } from '../names.ts'
import type { KubernetesSettings } from '../settings.ts'
import { basicPodSpec, credentialsVolume, disruptionsDoNotCount } from './pod-spec.ts'
import { uploaderContainer } from './uploader-container.ts'

export interface RescueInput {
  uuid: string
  request: JobRequest
  settings: KubernetesSettings
  /** The Job whose results it rescues. */
  job: ObjectMeta
  /** The ended pod with the claim. */
  pod: ObjectMeta
}

/**
 * For the start of the pod: it may have to wait until the claim is detached from the ended pod's
 * node.
 */
const startSeconds = 120
/**
 * After the loss of a claim or a node another pod may succeed. An uploader that gave up by itself
 * left its reason.
 */
const furtherTries = 2
/** A rescue is deleted only when its job is stopped: then its results are not wanted. */
const graceSeconds = 2
/**
 * Exit code of an uploader that gave up by itself and left its reason: another one would not
 * succeed either (sidecar/uploader-settings.ts).
 */
export const gaveUp = 3

/**
 * The Job that runs the uploader alone, on the claim of an ended pod, for the same attempt. It is
 * removed with the job's own Job. One pod after the other (podReplacementPolicy): two must not
 * write at once.
 */
export function rescueObject({ uuid, request, settings, job, pod }: RescueInput): KubernetesJob {
  const labels = { ...jobLabels(uuid, request.labels), [kind.label]: kind.rescue }
  const { name: jobName = '', uid: jobUid = '' } = job
  const nodeAffinity = request.affinity?.nodeAffinity
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: rescueName(uuid),
      namespace: settings.namespace,
      labels,
      ...defined({ annotations: request.annotations }),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: jobName, uid: jobUid }],
    },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: furtherTries,
      activeDeadlineSeconds: startSeconds + request.upload_timeout_seconds,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          { action: 'FailJob', onExitCodes: { containerName: 'uploader', operator: 'In', values: [gaveUp] } },
          disruptionsDoNotCount,
        ],
      },
      template: {
        metadata: { labels, ...defined({ annotations: request.annotations }) },
        spec: {
          ...basicPodSpec(request, settings),
          // Wherever the claim can be attached, whatever runs beside it.
          ...(nodeAffinity && { affinity: { nodeAffinity } }),
          terminationGracePeriodSeconds: graceSeconds,
          containers: [rescueContainer(uuid, request, settings, pod.uid ?? '')],
          volumes: [
            { name: volumes.results, persistentVolumeClaim: { claimName: resultsClaim(pod.name ?? '') } },
            { name: volumes.state, emptyDir: {} },
            credentialsVolume(uuid, settings),
          ],
        },
      },
    },
  }
}

const ofWorkersPod = [
  ...['FURTHER_STEPS', 'UPLOADER_PORT', 'PRE_STOP_TOKEN', 'END_KEY', 'ATTEMPT_UID'],
  ...['WORD_DIRECTORY', 'HEARTBEAT_SECONDS'],
]

/**
 * The uploader without the parts that it shares with a worker: inputs, the worker's word, a port,
 * the order of their start.
 */
function rescueContainer(
  uuid: string,
  request: JobRequest,
  settings: KubernetesSettings,
  attempt: string,
): Container {
  const plan = { uuid, request, requestSha256: '' }
  const made = uploaderContainer(plan, settings, '')
  const { restartPolicy: _, startupProbe: __, env = [], volumeMounts = [], ...container } = made
  const others = env.filter(({ name }) => !ofWorkersPod.includes(name))
  const own = [
    { name: 'ATTEMPT_UID', value: attempt },
    { name: 'RESCUE', value: 'true' },
  ]
  const mounts = volumeMounts.filter(({ name }) => name !== volumes.word)
  return { ...container, env: [...others, ...own], volumeMounts: mounts }
}
