import type { JobRequest } from '../job/request.ts'
import { jobLabels, kind, rescueName, resultsClaim, volumes } from './names.ts'
import type { Container, Job, ObjectMeta } from './objects.ts'
import { basicPodSpec, credentialsVolume } from './pod-spec.ts'
import type { KubernetesSettings } from './settings.ts'
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

/** For the pod to start: it may have to wait for the claim to leave the ended pod's node. */
const startSeconds = 120
/** One whose claim is lost, whose node fails: another one can try. One that gave up by itself said why. */
const furtherTries = 2
/** A stop ends it; what it was about to store nobody is to see then. */
const graceSeconds = 2
/** Of an uploader that gave up by itself and said why: another one would do no better (sidecar/settings.ts: exitCode). */
export const gaveUp = 3

/**
 * The uploader alone, on the claim of a pod that has ended, for the same attempt: a Job that goes with the job's own.
 * One pod after the other (podReplacementPolicy): two must not write at once.
 */
export function rescueObject({ uuid, request, settings, job, pod }: RescueInput): Job {
  const labels = { ...request.labels, ...jobLabels(uuid), [kind.label]: kind.rescue }
  const { name: jobName = '', uid: jobUid = '' } = job
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: rescueName(uuid),
      namespace: settings.namespace,
      labels,
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
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        metadata: { labels },
        spec: {
          ...basicPodSpec(request, settings),
          terminationGracePeriodSeconds: graceSeconds,
          containers: [rescueContainer(uuid, request, settings, pod.uid ?? '')],
          volumes: [
            { name: volumes.results, persistentVolumeClaim: { claimName: resultsClaim(pod.name ?? '') } },
            { name: volumes.state, emptyDir: {} },
            credentialsVolume(uuid),
          ],
        },
      },
    },
  }
}

/** The uploader as it was, but for what it shares with a worker: inputs, a port, the order of their start. */
function rescueContainer(
  uuid: string,
  request: JobRequest,
  settings: KubernetesSettings,
  attempt: string,
): Container {
  const plan = { uuid, request, requestSha256: '' }
  const { restartPolicy: _, startupProbe: __, env = [], ...container } = uploaderContainer(plan, settings, '')
  const others = env.filter(({ name }) => !['UPLOADER_PORT', 'STOP_TOKEN', 'ATTEMPT_UID'].includes(name))
  const own = [
    { name: 'ATTEMPT_UID', value: attempt },
    { name: 'RESCUE', value: 'true' },
  ]
  return { ...container, env: [...others, ...own] }
}
