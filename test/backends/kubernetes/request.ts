import type { JobRequest } from '../../../src/job/request/request.ts'
import { jobRequest } from '../../support/api/job-request.ts'

/** A request whose worker is `sh -c <script>` in busybox, which the test cluster's node has. */
export function clusterRequest(script: string, fields: Partial<JobRequest> = {}): JobRequest {
  return jobRequest({
    image: 'docker.io/library/busybox:latest',
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c'],
    args: [script],
    start_timeout_seconds: 600,
    stop_grace_seconds: 3,
    upload_timeout_seconds: 600,
    keep_seconds: 60,
    ...fields,
  })
}
