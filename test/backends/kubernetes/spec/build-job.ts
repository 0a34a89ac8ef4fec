import type { KubernetesSettings } from '../../../../src/backends/kubernetes/settings.ts'
import { jobObject } from '../../../../src/backends/kubernetes/spec/pod-spec.ts'
import type { EnvironmentKind } from '../../../../src/backends/kubernetes/spec/worker-container.ts'
import type { JobRequest } from '../../../../src/job/request/request.ts'
import { s3Factory } from '../../../../src/store/s3/s3-factory.ts'
import { uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'

export const settings: KubernetesSettings = {
  namespace: 'jobs',
  uploaderImage: 'jobferry:1',
  uploaderPort: 47100,
  podSecurity: 'baseline',
  lostNodeSeconds: 300,
  store: s3Factory.forChildren({
    ...{ endpoint: 'http://minio:9000', bucket: 'b', region: 'r', prefix: 'p/' },
    ...{ accessKey: 'the-access-key', secretKey: 'the-secret-key' },
  }),
}

/** The Job of a request, and its parts. */
export function build(fields: Partial<JobRequest> = {}, more: Partial<Parameters<typeof jobObject>[0]> = {}) {
  const plan = { uuid, request: clusterRequest('exit 0', fields), requestSha256: 'a'.repeat(64) }
  const environmentKinds: EnvironmentKind[] = []
  const now = new Date('2026-01-01T00:00:00.000Z')
  const job = jobObject({ plan, settings, preStopToken: 'token', environmentKinds, now, ...more })
  const pod = job.spec?.template.spec
  const [uploader, worker] = [pod?.initContainers?.[0], pod?.containers[0]]
  return { job, pod, uploader, worker, volumes: pod?.volumes ?? [] }
}
