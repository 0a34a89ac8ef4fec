import type { ContainerStatus, KubernetesJob, Pod } from '../../../src/backends/kubernetes/api/objects.ts'
import { annotations, jobLabels, jobName } from '../../../src/backends/kubernetes/names.ts'
import type { CachedPod } from '../../../src/backends/kubernetes/observation/pod-state.ts'
import { defined } from '../../../src/util/objects.ts'
import { clusterRequest } from './request.ts'

export const uuid = '11111111-1111-4111-8111-111111111111'
export const created = '2026-01-01T00:00:00Z'

/** RFC 3339 for so many seconds after `created`. */
export function at(seconds: number): string {
  return new Date(Date.parse(created) + seconds * 1000).toISOString().replace('.000Z', 'Z')
}

export function ms(seconds: number): number {
  return Date.parse(created) + seconds * 1000
}

const usualRequest = JSON.stringify(clusterRequest('exit 0'))

/** A Job as it is after its resumption. */
export function job(
  more: {
    metadata?: KubernetesJob['metadata']
    spec?: Partial<NonNullable<KubernetesJob['spec']>>
    status?: KubernetesJob['status']
    annotations?: Record<string, string>
  } = {},
): KubernetesJob {
  return {
    metadata: {
      name: jobName(uuid),
      uid: 'job-uid',
      resourceVersion: '10',
      creationTimestamp: created,
      labels: jobLabels(uuid),
      ...more.metadata,
      annotations: { [annotations.request]: usualRequest, ...more.annotations },
    },
    spec: { template: {}, backoffLimit: 0, suspend: false, ...more.spec },
    status: more.status ?? {},
  }
}

export function pod(
  more: {
    metadata?: Pod['metadata']
    nodeName?: string
    uploader?: Partial<ContainerStatus>
    worker?: Partial<ContainerStatus>
    status?: Pod['status']
  } = {},
): Pod {
  const status = (name: string, given: Partial<ContainerStatus> | undefined) =>
    given === undefined
      ? []
      : [{ name, image: `${name}:1`, imageID: '', ready: false, restartCount: 0, ...given }]
  return {
    metadata: {
      name: 'job-pod',
      uid: 'pod-1',
      creationTimestamp: at(1),
      labels: jobLabels(uuid),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: jobName(uuid), uid: 'job-uid' }],
      ...more.metadata,
    },
    spec: { containers: [], ...defined({ nodeName: more.nodeName }) },
    status: {
      phase: 'Pending',
      initContainerStatuses: status('uploader', more.uploader),
      containerStatuses: status('worker', more.worker),
      ...more.status,
    },
  }
}

export const running = (seconds: number) => ({ state: { running: { startedAt: at(seconds) } } })

export const terminated = (exitCode: number, from: number, to: number, more: object = {}) => ({
  state: { terminated: { exitCode, startedAt: at(from), finishedAt: at(to), ...more } },
})

export const waiting = (reason: string, message = '') => ({ state: { waiting: { reason, message } } })

export function seen(one: Pod, goneAt?: number): CachedPod {
  return goneAt === undefined ? { pod: one } : { pod: one, goneAt }
}
